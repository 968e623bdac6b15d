"""Items that an older build stored are found as all others are."""

from catalogue_builders import NOW, a_psa_account, a_vendor_account
from matcher_world import MatcherWorld

from matcher.catalogue.item_forms import FORMS, ItemForms
from matcher.catalogue.item_order import PageBounds
from matcher.catalogue.item_pages import ItemPages
from matcher.catalogue.items import Item, ItemKind
from matcher.catalogue.search import ItemQuery, ItemSort
from shared.mongo import Mongo

ACCOUNTS = ItemKind.PSA_ACCOUNTS


async def store_as_before(mongo: Mongo, *keys: str) -> None:
    """Takes from stored items what an older build did not store."""
    later = {"words": "", "form": "", "first_seen_at": ""}
    for key in keys:
        await mongo.all_tenants(ACCOUNTS).change(
            {"_id": key}, {"$unset": later, "$set": {"searched": "contoso\nc9"}}
        )


async def found(mongo: Mongo, search: str, sort: ItemSort = ItemSort.NAME) -> list[Item]:
    query = ItemQuery("demo", ACCOUNTS, search, sort=sort)
    return [item for _, item in (await ItemPages(mongo).page(query, None, PageBounds())).items]


async def update_all(mongo: Mongo) -> None:
    while await ItemForms(mongo).update_next():
        pass


async def test_an_older_item_is_found_once_it_has_its_words(stored_world: MatcherWorld, mongo: Mongo) -> None:
    await stored_world.receive(a_psa_account("9", "Contoso"), a_psa_account("8", "Fabrikam"))
    await store_as_before(mongo, "demo:int_psa:9")
    before = await found(mongo, "conto")

    await update_all(mongo)

    assert before == []
    assert [(item.id, item.first_seen_at) for item in await found(mongo, "conto")] == [("9", None)]
    assert [item.id for item in await found(mongo, "", ItemSort.NEWEST)] == ["8", "9"]
    assert "searched" not in (await mongo.all_tenants(ACCOUNTS).find({"item_id": "9"}))[0]


async def test_news_of_an_older_item_do_not_make_it_new(stored_world: MatcherWorld, mongo: Mongo) -> None:
    await stored_world.receive(a_psa_account("9", "Contoso"))
    await store_as_before(mongo, "demo:int_psa:9")

    await stored_world.receive(a_psa_account("9", "Contoso Ltd", revision=2))

    assert [(item.name, item.first_seen_at) for item in await found(mongo, "ltd")] == [("Contoso Ltd", None)]


async def test_an_absent_item_is_not_found_after_an_update_either(
    stored_world: MatcherWorld, mongo: Mongo
) -> None:
    await stored_world.receive(a_psa_account("9", "Contoso", present=False))
    await store_as_before(mongo, "demo:int_psa:9")

    await update_all(mongo)

    assert await found(mongo, "conto") == []


async def test_a_kind_that_is_done_is_looked_at_once(stored_world: MatcherWorld, mongo: Mongo) -> None:
    await stored_world.receive(a_vendor_account("1", "Contoso"))
    await update_all(mongo)
    noted = await mongo.all_tenants(FORMS).find()

    again = await ItemForms(mongo).update_next()

    assert ({row["_id"] for row in noted}, again) == ({*ItemKind}, False)


async def test_an_item_that_was_seen_is_first_seen_at_that_moment(
    stored_world: MatcherWorld, mongo: Mongo
) -> None:
    await stored_world.receive(a_psa_account("9", "Contoso"))
    await update_all(mongo)

    assert [item.first_seen_at for item in await found(mongo, "contoso")] == [NOW]
