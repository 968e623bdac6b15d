"""What only the real store can get wrong: turns at once, crashes, tenants, size."""

import asyncio

import pytest
from catalogue_builders import a_psa, a_psa_account, a_vendor_account, an_integration
from matcher_world import World, mongo_world

from matcher.catalogue.ingestor import ItemIngestor, item_of
from matcher.catalogue.items import ItemKind, MatchWork
from matcher.mappings.ports import UnitOfWork
from matcher.mappings.repository import MongoMatcherStore
from shared.mongo import Mongo
from shared.outbox import Outbox

CONTOSO = (an_integration(), a_psa(), a_vendor_account("1", "Contoso"), a_psa_account("9", "Contoso"))


async def test_two_replicas_that_match_at_once_say_everything_once(mongo: Mongo, stored_world: World) -> None:
    for number in range(20):
        await stored_world.keeps([a_vendor_account(f"v{number}", f"Name {number}")])
        await stored_world.keeps([a_psa_account(f"p{number}", f"Name {number}")])
    await stored_world.keeps([an_integration(), a_psa()])

    await asyncio.gather(stored_world.matches(), mongo_world(mongo).matches())

    said = [message.key for message in await stored_world.said()]
    assert len(said) == len(set(said)) == 20


async def test_a_person_and_the_matching_never_decide_on_the_same_state(stored_world: World) -> None:
    await stored_world.hears(*CONTOSO[:3], a_psa_account("8", "Fabrikam"))
    await stored_world.keeps([a_psa_account("9", "Contoso")])

    await asyncio.gather(stored_world.matches(), stored_world.maps("1", "8"))

    revisions = [message.revision for message in await stored_world.said()]  # type: ignore[attr-defined]  # states
    assert await stored_world.mapped() == {"1": "8"}
    assert revisions == list(range(1, len(revisions) + 1))


async def test_a_turn_that_fails_leaves_nothing_behind(mongo: Mongo, stored_world: World) -> None:
    await stored_world.keeps(CONTOSO)
    store = MongoMatcherStore(mongo, Outbox(mongo, "matcher"))

    async def dies(turn: UnitOfWork) -> None:
        await turn.remove_marks(await turn.marks(limit=10))
        await turn.add_marks([MatchWork(ItemKind.PSA_ACCOUNTS, ("lost",))])
        raise ConnectionError("killed")

    with pytest.raises(ConnectionError):
        await store.turn("demo", dies)
    await stored_world.matches()

    assert await stored_world.mapped() == {"1": "9"}


async def test_news_that_was_stored_but_not_marked_is_marked_when_it_comes_again(stored_world: World) -> None:
    await stored_world.hears(*CONTOSO[:3])
    await stored_world.store.forward([item_of(a_psa_account("9", "Contoso"))])
    await stored_world.matches()

    await stored_world.hears(CONTOSO[3])

    assert await stored_world.mapped() == {"1": "9"}


async def test_tenants_are_matched_apart(stored_world: World) -> None:
    await stored_world.hears(*CONTOSO[:3], a_psa(tenant_id="rival"))

    await stored_world.hears(a_psa_account("9", "Contoso", tenant_id="rival"))

    assert await stored_world.said() == []


async def test_two_thousand_accounts_on_each_side_are_all_mapped(stored_world: World) -> None:
    await stored_world.hears(an_integration(), a_psa())
    observing = ItemIngestor(stored_world.store, lambda: None)
    for start in range(0, 2000, 500):
        some = range(start, start + 500)
        await observing.items([a_vendor_account(f"v{n}", f"Name {n}") for n in some])
        await observing.items([a_psa_account(f"p{1999 - n}", f"Name {1999 - n}") for n in some])

    await stored_world.matches()

    assert await stored_world.mapped() == {f"v{number}": f"p{number}" for number in range(2000)}
