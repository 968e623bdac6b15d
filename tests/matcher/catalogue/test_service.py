"""Items with what is decided on them, on both stores."""

import pytest
from catalogue_builders import PSA, VENDOR, a_psa, a_psa_account, a_vendor_account, an_integration
from matcher_world import MatcherWorld

from matcher.catalogue.items import Item, ItemKind
from matcher.catalogue.search import ItemQuery, MappedItem, MappingState, Page, SortKey
from matcher.catalogue.service import CatalogueService

CONNECTED = (an_integration(), a_psa())
VENDOR_ACCOUNTS, PSA_ACCOUNTS = ItemKind.VENDOR_ACCOUNTS, ItemKind.PSA_ACCOUNTS


async def test_a_psa_item_shows_every_vendor_item_that_is_mapped_to_it(world: MatcherWorld) -> None:
    await world.receive(*CONNECTED, a_psa_account("9", "Contoso"))
    await world.receive(a_vendor_account("1", "Contoso"), a_vendor_account("2", "Contoso Labs"))
    await world.approve("2", "9")

    (company,) = (await page(world, ItemQuery("demo", PSA_ACCOUNTS))).rows

    assert sorted(named.vendor_name or "" for named in company.mappings) == ["Contoso", "Contoso Labs"]


@pytest.mark.parametrize(
    ("kind", "state", "found"),
    [
        (VENDOR_ACCOUNTS, MappingState.MAPPED, ["A"]),
        (VENDOR_ACCOUNTS, MappingState.EXCLUDED, ["B"]),
        (VENDOR_ACCOUNTS, MappingState.UNMAPPED, ["C", "D"]),
        (PSA_ACCOUNTS, MappingState.MAPPED, ["A"]),
        (PSA_ACCOUNTS, MappingState.EXCLUDED, []),
        (PSA_ACCOUNTS, MappingState.UNMAPPED, ["C", "Z"]),
    ],
)
async def test_items_are_found_by_their_state(
    world: MatcherWorld, kind: ItemKind, state: MappingState, found: list[str]
) -> None:
    await world.receive(*CONNECTED, *(a_psa_account(name, name) for name in "ACZ"))
    await world.receive(*(a_vendor_account(name, name) for name in "ABCD"))
    await world.exclude("B")
    await world.revoke("C")

    rows = (await page(world, ItemQuery("demo", kind, state=state))).rows

    assert [mapped.item.name for mapped in rows] == found
    assert {mapped.state for mapped in rows} <= {state}


async def test_a_page_begins_behind_the_last_one_even_among_namesakes(world: MatcherWorld) -> None:
    await world.receive(*(a_vendor_account(id_, "Contoso") for id_ in "123"), a_vendor_account("0", "zeta"))

    first = await page(world, ItemQuery("demo", VENDOR_ACCOUNTS), limit=2)
    second = await page(world, ItemQuery("demo", VENDOR_ACCOUNTS), ("contoso", "demo:int_vendor:2"), limit=2)

    assert first.next == ("contoso", "demo:int_vendor:2")
    assert [mapped.item.id for mapped in (*first.rows, *second.rows)] == ["1", "2", "3", "0"]
    assert second.next is None


async def test_items_are_found_by_integration_and_by_a_part_of_name_or_code(world: MatcherWorld) -> None:
    await world.receive(a_psa_account("7", "Contoso (EMEA)"), a_psa_account("8", "Fabrikam"))
    await world.receive(a_psa_account("9", "Contoso", integration_id="int_other"))

    by_name = await page(world, ItemQuery("demo", PSA_ACCOUNTS, "SO (E"))
    by_code = await page(world, ItemQuery("demo", PSA_ACCOUNTS, "c8"))
    by_integration = await page(world, ItemQuery("demo", PSA_ACCOUNTS, "contoso", PSA))

    assert [items(found) for found in (by_name, by_code, by_integration)] == [["7"], ["8"], ["7"]]


async def test_another_tenants_items_and_mappings_are_not_seen(world: MatcherWorld) -> None:
    await world.receive(*CONNECTED, a_vendor_account("1", "Contoso"), a_psa_account("9", "Contoso"))
    await world.receive(a_vendor_account("1", "Theirs", tenant_id="rival"))

    (theirs,) = (await page(world, ItemQuery("rival", VENDOR_ACCOUNTS))).rows

    assert (theirs.item.name, theirs.item.integration_id, theirs.mappings) == ("Theirs", VENDOR, ())


async def page(
    world: MatcherWorld, query: ItemQuery, after: SortKey | None = None, limit: int = 50
) -> Page[MappedItem]:
    return await CatalogueService(world.catalogue, world.mappings).items(query, after, limit)


def items(found: Page[MappedItem]) -> list[str]:
    rows: list[Item] = [mapped.item for mapped in found.rows]
    return [item.id for item in rows]
