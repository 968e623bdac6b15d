"""Items with what is decided on them, on both stores."""

from datetime import datetime, timedelta

import pytest
from catalogue_builders import (
    NOW,
    PSA,
    VENDOR,
    a_product,
    a_psa,
    a_psa_account,
    a_vendor_account,
    an_integration,
)
from matcher_world import MatcherWorld

from matcher.catalogue.item_order import PageBounds
from matcher.catalogue.items import Item, ItemKind
from matcher.catalogue.search import (
    ItemEnd,
    ItemFilter,
    ItemQuery,
    ItemSort,
    MappedItem,
    MappingState,
    Page,
    SearchField,
    SortKey,
)
from matcher.catalogue.service import CatalogueService
from shared.contracts.matcher import ProposedItem

CONNECTED, HOUR = (an_integration(), a_psa()), timedelta(hours=1)
VENDOR_ACCOUNTS, PSA_ACCOUNTS = ItemKind.VENDOR_ACCOUNTS, ItemKind.PSA_ACCOUNTS
PSA_PRODUCTS = ItemKind.PSA_PRODUCTS


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

    listed = await page(world, ItemQuery("demo", kind, filters=frozenset({ItemFilter(state)})))

    assert [mapped.item.name for mapped in listed.rows] == found
    assert {mapped.state for mapped in listed.rows} <= {state}
    assert listed.total == len(found)


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"mapped", "excluded"}, ["A", "B"]),
        ({"unmapped", "excluded"}, ["B", "C", "D"]),
        ({"unmapped", "mapped", "excluded"}, ["A", "B", "C", "D"]),
        ({"suggested"}, ["D"]),
        ({"suggested", "mapped"}, ["A", "D"]),
        ({"suggested", "unmapped"}, ["C", "D"]),
    ],
)
async def test_several_states_are_asked_for_at_once(
    world: MatcherWorld, filters: set[str], found: list[str]
) -> None:
    await world.receive(
        *CONNECTED, a_psa_account("A", "A"), *(a_vendor_account(name, name) for name in "ABCD")
    )
    await world.exclude("B")
    wanted = ItemQuery("demo", VENDOR_ACCOUNTS, filters=frozenset(ItemFilter(one) for one in filters))

    # What is proposed for A is a thing of the past: it is mapped.
    listed = await page(world, wanted, suggested={(VENDOR, "A"), (VENDOR, "D")})

    assert (items(listed), listed.total) == (found, len(found))


async def test_what_is_new_was_first_seen_since_a_moment_whatever_was_seen_of_it_later(
    world: MatcherWorld,
) -> None:
    await world.receive(*CONNECTED, a_vendor_account("1", "Old"))
    world.now += HOUR
    since = world.now
    await world.receive(a_vendor_account("2", "New"), a_vendor_account("1", "Old, renamed", revision=2))
    world.now += HOUR
    await world.receive(a_vendor_account("2", "New, renamed", revision=2), a_vendor_account("3", "Newest"))

    new = await page(world, _new_since(since))
    newest_first = await page(world, ItemQuery("demo", VENDOR_ACCOUNTS, sort=ItemSort.NEWEST))

    assert (items(new), new.total) == (["2", "3"], 2)
    assert items(newest_first) == ["3", "2", "1"]
    assert [row.item.first_seen_at for row in newest_first.rows] == [NOW + 2 * HOUR, NOW + HOUR, NOW]


async def test_what_is_new_or_mapped_is_one_list(world: MatcherWorld) -> None:
    await world.receive(*CONNECTED, a_vendor_account("1", "A"), a_psa_account("9", "A"))
    await world.receive(a_vendor_account("2", "B"))
    world.now += HOUR
    await world.receive(a_vendor_account("3", "C"))

    listed = await page(world, _new_since(world.now, ItemFilter.MAPPED))

    assert items(listed) == ["1", "3"]


@pytest.mark.parametrize("sort", ItemSort)
@pytest.mark.parametrize("search", ["", "c"])
async def test_pages_lead_to_the_end_and_back_even_among_namesakes(
    world: MatcherWorld, sort: ItemSort, search: str
) -> None:
    for number, name in enumerate(("Contoso", "Contoso", "zeta C", "Contoso", "Alpha C.", "c", "Delta")):
        world.now += HOUR * (number % 3)
        await world.receive(a_vendor_account(str(number), name))
    query = ItemQuery("demo", VENDOR_ACCOUNTS, search, sort=sort)
    whole = await page(world, query)

    there = [await page(world, query, limit=2)]
    while there[-1].next:
        there.append(await page(world, query, there[-1].next, limit=2))
    back = [there[-1]]
    while back[-1].previous:
        back.append(await page(world, query, before=back[-1].previous, limit=2))

    assert [id_ for one in there for id_ in items(one)] == items(whole)
    assert [items(one) for one in reversed(back)] == [items(one) for one in there]
    assert [one.next for one in reversed(back)] == [one.next for one in there]
    assert {one.total for one in (*there, *back)} == {len(items(whole))}
    assert (there[0].previous, whole.next, whole.previous) == (None, None, None)


async def test_what_begins_with_the_search_comes_first(world: MatcherWorld) -> None:
    names = ("Acme Dental", "Dental Care", "dentist", "Café Dent", "Denver")
    await world.receive(*(a_psa_account(str(number), name) for number, name in enumerate(names)))

    found = await page(world, ItemQuery("demo", PSA_ACCOUNTS, "Dent"))

    assert [mapped.item.name for mapped in found.rows] == [
        "Dental Care",
        "dentist",
        "Acme Dental",
        "Café Dent",
    ]


async def test_codes_that_begin_with_the_search_come_first_when_asked_for(world: MatcherWorld) -> None:
    await world.receive(a_product("1", "M365 for all", "ALL-M365"), a_product("2", "Seat", "M365-BP"))
    await world.receive(a_product("3", "Mail", "M-365-X"), a_product("4", "Files", "F-1"))

    by_code = await page(world, ItemQuery("demo", PSA_PRODUCTS, "m365", by=SearchField.CODE))
    by_name = await page(world, ItemQuery("demo", PSA_PRODUCTS, "m365"))

    assert (items(by_code), items(by_name)) == (["3", "2", "1"], ["1", "3", "2"])


async def test_ids_are_found_in_one_integration_or_in_all(world: MatcherWorld) -> None:
    await world.receive(
        *CONNECTED, an_integration("int_2"), a_vendor_account("1", "A"), a_vendor_account("2", "B")
    )
    await world.receive(a_vendor_account("1", "C", integration_id="int_2"))
    ids = frozenset({"1", "unknown"})

    everywhere = await page(world, ItemQuery("demo", VENDOR_ACCOUNTS, ids=ids))
    there = await page(world, ItemQuery("demo", VENDOR_ACCOUNTS, ids=ids, integration_id="int_2"))
    theirs = await page(world, ItemQuery("rival", VENDOR_ACCOUNTS, ids=ids, integration_id="int_2"))

    assert [[mapped.item.name for mapped in found.rows] for found in (everywhere, there, theirs)] == [
        ["A", "C"],
        ["C"],
        [],
    ]


async def test_items_are_found_by_integration_and_by_words_of_name_or_code(world: MatcherWorld) -> None:
    await world.receive(a_psa_account("7", "Contoso (EMEA)"), a_psa_account("8", "Fabrikam"))
    await world.receive(a_psa_account("9", "Contoso", integration_id="int_other"))

    by_name = await page(world, ItemQuery("demo", PSA_ACCOUNTS, "emea conto"))
    by_code = await page(world, ItemQuery("demo", PSA_ACCOUNTS, "c8"))
    by_integration = await page(world, ItemQuery("demo", PSA_ACCOUNTS, "contoso", PSA))

    assert [items(found) for found in (by_name, by_code, by_integration)] == [["7"], ["8"], ["7"]]


async def test_another_tenants_items_and_mappings_are_not_seen(world: MatcherWorld) -> None:
    await world.receive(*CONNECTED, a_vendor_account("1", "Contoso"), a_psa_account("9", "Contoso"))
    await world.receive(a_vendor_account("1", "Theirs", tenant_id="rival"))

    (theirs,) = (await page(world, ItemQuery("rival", VENDOR_ACCOUNTS))).rows

    assert (theirs.item.name, theirs.item.integration_id, theirs.mappings) == ("Theirs", VENDOR, ())


class _Suggestions:
    def __init__(self, ends: set[ItemEnd]) -> None:
        self._ends = ends

    async def best_proposals(self, *_: object) -> dict[ItemEnd, ProposedItem]:
        return {}

    async def proposals_with(self, *_: object) -> dict[ItemEnd, int]:
        return {}

    async def suggested_items(self, *_: object, **__: object) -> set[ItemEnd]:
        return self._ends


async def page(
    world: MatcherWorld,
    query: ItemQuery,
    after: SortKey | None = None,
    *,
    before: SortKey | None = None,
    limit: int = 50,
    suggested: set[ItemEnd] | None = None,
) -> Page[MappedItem]:
    service = CatalogueService(world.catalogue, world.mappings, _Suggestions(suggested or set()))
    return await service.items(query, PageBounds(after, before, limit))


def _new_since(since: datetime, *more: ItemFilter) -> ItemQuery:
    return ItemQuery("demo", VENDOR_ACCOUNTS, filters=frozenset({ItemFilter.NEW, *more}), since=since)


def items(found: Page[MappedItem]) -> list[str]:
    rows: list[Item] = [mapped.item for mapped in found.rows]
    return [item.id for item in rows]
