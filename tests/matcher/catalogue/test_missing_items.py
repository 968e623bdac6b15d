"""Totals count what lists show, also after a restore: a decision may name what was never stored."""

from collections.abc import Sequence
from datetime import timedelta

from catalogue_builders import NOW, PSA, VENDOR, a_psa_account, a_vendor_account, an_integration
from matcher_http import MatcherClient

from matcher.catalogue.item_order import PageBounds
from matcher.catalogue.item_pages import ItemPages
from matcher.catalogue.items import ItemKind
from matcher.catalogue.missing_items import MISSING_ITEMS
from matcher.catalogue.search import ItemEnd, ItemQuery, StateFilter
from matcher.mappings.recovery import MappingRecovery
from shared.contracts.matcher import MappingDecided, MappingDecision, MappingKind, MappingMethod
from shared.mongo import Mongo


def a_mapping(vendor_id: str, psa_id: str) -> MappingDecided:
    return MappingDecided(
        tenant_id="demo",
        revision=5,
        kind=MappingKind.ACCOUNT,
        vendor_provider="ingram-micro",
        vendor_realm=f"realm of {VENDOR}",
        vendor_integration_id=VENDOR,
        vendor_id=vendor_id,
        psa_integration_id=PSA,
        psa_id=psa_id,
        decision=MappingDecision.APPROVED,
        method=MappingMethod.MANUAL,
        decided_by="ann",
        decided_at=NOW,
    )


async def recover(matcher: MatcherClient, told: Sequence[MappingDecided]) -> None:
    await MappingRecovery(matcher.world.store, lambda: NOW + timedelta(days=1)).catch_up(told)


async def total_of(mongo: Mongo, kind: ItemKind, ends: set[ItemEnd], *, others: bool = False) -> int | None:
    """Return the total of a list that is gone through, as a long one is."""
    query, states = ItemQuery("demo", kind), StateFilter(ends, others=others)
    return (await ItemPages(mongo, few=0).page(query, states, PageBounds(limit=50))).total


async def test_a_total_leaves_out_what_is_mapped_and_was_never_stored(
    mongo: Mongo, matcher: MatcherClient
) -> None:
    seen = (a_vendor_account("1", "Contoso"), a_vendor_account("2", "Fabrikam"), a_psa_account("9", "Zeta"))
    await matcher.world.receive(an_integration(), *seen)
    await recover(matcher, [a_mapping("1", "9"), a_mapping("lost", "lost")])
    vendor_ends, psa_ends = {(VENDOR, "1"), (VENDOR, "lost")}, {(PSA, "9"), (PSA, "lost")}

    assert await total_of(mongo, ItemKind.VENDOR_ACCOUNTS, vendor_ends) == 1
    assert await total_of(mongo, ItemKind.VENDOR_ACCOUNTS, vendor_ends, others=True) == 1
    assert await total_of(mongo, ItemKind.PSA_ACCOUNTS, psa_ends) == 1


async def test_what_is_stored_later_is_counted_and_its_note_goes_with_the_next_matching(
    mongo: Mongo, matcher: MatcherClient
) -> None:
    await matcher.world.receive(an_integration())
    await recover(matcher, [a_mapping("1", "9").model_copy(update={"method": MappingMethod.EXACT})])
    await matcher.world.match()
    before = await total_of(mongo, ItemKind.VENDOR_ACCOUNTS, {(VENDOR, "1")})
    await matcher.world.ingest([a_vendor_account("1", "Contoso")])
    stored = await total_of(mongo, ItemKind.VENDOR_ACCOUNTS, {(VENDOR, "1")})
    await matcher.world.match()

    assert (before, stored) == (0, 1)
    assert [row["end"] for row in await mongo.all_tenants(MISSING_ITEMS).find()] == [[PSA, "9"]]
