"""Whatever the order of arrival, with repeats and matching at any moment, the mappings are the same."""

from collections.abc import Sequence
from typing import Any

from catalogue_builders import a_product, a_psa, a_psa_account, a_service, a_vendor_account, an_integration
from hypothesis import given, settings
from hypothesis import strategies as st
from matcher_world import MatcherWorld, memory_world

from matcher.catalogue.ingestor import ItemObserved, item_of
from matcher.mappings.exact import exact_target, psa_groups, vendor_groups
from shared.contracts.auth import IntegrationChanged

OTHER = "int_other"
names = st.sampled_from(["Contoso", "Fabrikam", "contoso", ""])
codes = st.sampled_from(["MPN-1", "MPN-2", "", None])
product_keys = st.sampled_from(["MPN-1", "MPN-2", ""])
revisions = st.integers(1, 3)
ids = st.sampled_from(["1", "2", "3"])
flags = st.booleans()

vendor_accounts = st.builds(
    a_vendor_account, ids, names, revision=revisions, present=flags,
    integration_id=st.sampled_from(["int_vendor", OTHER]),
)  # fmt: skip
psa_accounts = st.builds(a_psa_account, ids, names, revision=revisions, active=flags)
services = st.builds(a_service, ids.map("s{}".format), names, codes, revision=revisions)
products = st.builds(
    a_product,
    ids.map("p{}".format),
    names,
    product_keys,
    revision=revisions,
    present=flags,
)
news = st.lists(st.one_of(vendor_accounts, psa_accounts, services, products), max_size=14)
connections = (an_integration(), an_integration(OTHER), a_psa())


@given(st.data(), news)
@settings(max_examples=300, deadline=None)
async def test_the_order_of_arrival_does_not_matter(
    data: st.DataObject, observations: list[ItemObserved]
) -> None:
    messages: list[Any] = [*_each_revision_once(observations), *connections]
    order = data.draw(st.permutations(messages + data.draw(st.lists(st.sampled_from(messages), max_size=5))))
    pauses = data.draw(st.sets(st.integers(0, len(order))))
    world = memory_world()

    await _happens(world, order, pauses)

    assert await _mapped(world) == _expected(messages)


async def _happens(world: MatcherWorld, order: Sequence[Any], pauses: set[int]) -> None:
    for position, message in enumerate(order):
        await world.ingest([message])
        if position in pauses:
            await world.match()
    await world.match()


def _each_revision_once(observations: list[ItemObserved]) -> list[ItemObserved]:
    """Of two messages with one key and revision, only one can have been published."""
    return list({(item_of(seen).kind, seen.key, seen.revision): seen for seen in observations}.values())


async def _mapped(world: MatcherWorld) -> dict[tuple[str, str], str | None]:
    """Returns what the newest message of each key maps, by vendor integration and id."""
    newest: dict[str, Any] = {}
    for message in await world.published():
        newest[message.key] = message
    approved = [mapping for mapping in newest.values() if mapping.decision == "approved"]
    return {(mapping.vendor_integration_id, mapping.vendor_id): mapping.psa_id for mapping in approved}


def _expected(messages: list[Any]) -> dict[tuple[str, str], str | None]:
    """Returns what the rule maps when it is given the newest of everything at once."""
    observations = [item_of(message) for message in messages if not isinstance(message, IntegrationChanged)]
    items = {
        (item.kind, item.key): item for item in sorted(observations, key=lambda item: item.revision)
    }.values()
    expected: dict[tuple[str, str], str | None] = {}
    for kind in {item.kind.mapping_kind for item in items}:
        vendor = [item for item in items if item.kind.mapping_kind is kind and item.kind.side == "vendor"]
        psa = [item for item in items if item.kind.mapping_kind is kind and item.kind.side == "psa"]
        groups = vendor_groups(vendor), psa_groups(psa)
        targets = {(item.integration_id, item.id): exact_target(item, *groups) for item in vendor}
        expected |= {key: target.id for key, target in targets.items() if target}
    return expected
