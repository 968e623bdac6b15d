"""A search finds the same, page for page, whether it reads what has a word or goes through the list."""

import random
from datetime import timedelta
from itertools import product

import pytest
from catalogue_builders import NOW, PSA

from matcher.app import INDEXES
from matcher.catalogue.item_order import PageBounds
from matcher.catalogue.item_pages import ItemPages
from matcher.catalogue.items import Item, ItemKind
from matcher.catalogue.repository import MongoCatalogue
from matcher.catalogue.search import ItemFilter, ItemQuery, ItemSort, SearchField, StateFilter
from shared.mongo import Mongo

PRODUCTS = ItemKind.PSA_PRODUCTS
NAMES = ("Dental", "dent", "Care", "Ärzte", "Denver", "Zeta", "+", "\N{GRINNING FACE}")
SEARCHES = ("dent", "care de", "d", "a z", "\N{GRINNING FACE}", "+", "dent-", "nothing", "(", "dental care d")
EVERYTHING = PageBounds(limit=1_000)


async def some_products(mongo: Mongo) -> None:
    """Stores sixty products of two integrations, some of them gone."""
    made = random.Random(7)  # noqa: S311  names, not a secret
    items = [
        Item(
            kind=PRODUCTS,
            tenant_id="demo",
            integration_id=PSA if number % 4 else "int_other",
            id=f"{number:02}",
            name=" ".join(made.sample(NAMES, made.randrange(1, 4))),
            revision=1,
            code=made.choice((None, "DENT-1", "D-ENT", "CARE-2")),
            present=number % 9 > 0,
            first_seen_at=NOW + timedelta(hours=number % 5),
        )
        for number in range(60)
    ]
    await mongo.ensure(INDEXES)
    await MongoCatalogue(mongo).store_newer_items(items)


@pytest.mark.parametrize("sort", ItemSort)
@pytest.mark.parametrize("by", SearchField)
async def test_both_ways_find_the_same_in_the_same_order(
    mongo: Mongo, by: SearchField, sort: ItemSort
) -> None:
    await some_products(mongo)
    searches = (
        "dent",
        "care de",
        "d",
        "a z",
        "\N{GRINNING FACE}",
        "+",
        "dent-",
        "nothing",
        "(",
        "dental care d",
    )

    for search, integration_id in product(searches, (None, PSA)):
        query = ItemQuery("demo", PRODUCTS, search, integration_id, by=by, sort=sort)
        found = (await ItemPages(mongo).page(query, None, EVERYTHING)).items
        walked = (await ItemPages(mongo, few=0).page(query, None, EVERYTHING)).items

        assert walked == found
        keys = [key for key, _ in found]
        assert keys == sorted(keys, reverse=sort is ItemSort.NEWEST)
        for at in range(0, len(found), 7):
            after, before = PageBounds(after=keys[at], limit=4), PageBounds(before=keys[at], limit=4)
            for few in (0, 24, 1_000):
                pages = ItemPages(mongo, few=few)
                assert (await pages.page(query, None, after)).items == found[at + 1 : at + 5]
                assert (await pages.page(query, None, before)).items == found[:at][::-1][:4]


async def test_a_state_is_found_among_all_items_or_among_those_that_have_it(mongo: Mongo) -> None:
    await some_products(mongo)
    ends = {(PSA, f"{number:02}") for number in range(0, 60, 5) if number % 4}
    here, all_others = StateFilter(ends), StateFilter(ends, others=True)
    query = ItemQuery("demo", PRODUCTS, filters=frozenset({ItemFilter.MAPPED}))

    few = await ItemPages(mongo).page(query, here, EVERYTHING)
    walked = await ItemPages(mongo, few=0).page(query, here, EVERYTHING)
    others = await ItemPages(mongo).page(query, all_others, EVERYTHING)
    whole = await ItemPages(mongo).page(query, None, EVERYTHING)

    assert (walked, few.total) == (few, len(few.items))
    assert others.total == len(others.items)
    assert {item.id for _, item in (*few.items, *others.items)} == {item.id for _, item in whole.items}


async def test_a_search_with_very_many_hits_is_not_counted(mongo: Mongo) -> None:
    await some_products(mongo)
    query = ItemQuery("demo", PRODUCTS, "d")

    assert (await ItemPages(mongo, few=5).page(query, None, EVERYTHING)).total is None
    assert (await ItemPages(mongo).page(query, None, EVERYTHING)).total is not None


@pytest.mark.parametrize("search", ["d", "c d", "a d"])
async def test_a_search_with_many_hits_says_how_many_without_reading_them(mongo: Mongo, search: str) -> None:
    await some_products(mongo)
    query = ItemQuery("demo", PRODUCTS, search)

    whole = await ItemPages(mongo).page(query, None, EVERYTHING)
    counted = await ItemPages(mongo, few=len(whole.items)).page(query, None, PageBounds(limit=2))
    uncounted = await ItemPages(mongo, few=len(whole.items) - 1).page(query, None, PageBounds(limit=2))

    assert len(whole.items) > 4
    assert (counted.total, uncounted.total) == (len(whole.items), None)
    assert counted.items == uncounted.items == whole.items[:2]


async def test_a_search_of_one_integration_counts_the_items_of_this_one(mongo: Mongo) -> None:
    await some_products(mongo)
    of_one, of_all = ItemQuery("demo", PRODUCTS, "d", PSA), ItemQuery("demo", PRODUCTS, "d")

    narrowed = await ItemPages(mongo, few=60).page(of_one, None, PageBounds(limit=2))

    assert narrowed.total == len((await ItemPages(mongo).page(of_one, None, EVERYTHING)).items)
    assert narrowed.total != (await ItemPages(mongo).page(of_all, None, EVERYTHING)).total
