"""What only the real store can get wrong about units of work: two at once, a crash, another tenant's rows."""

import asyncio

import pytest
from catalogue_builders import a_psa, a_psa_account, a_vendor_account, an_integration
from matcher_world import MatcherWorld, mongo_world

from matcher.catalogue.items import ItemKind
from matcher.mappings.ports import UnitOfWork
from shared.mongo import Mongo

CONTOSO = (an_integration(), a_psa(), a_vendor_account("1", "Contoso"), a_psa_account("9", "Contoso"))


async def test_two_replicas_that_match_at_once_publish_everything_once(
    mongo: Mongo, stored_world: MatcherWorld
) -> None:
    for number in range(20):
        await stored_world.ingest([a_vendor_account(f"v{number}", f"Name {number}")])
        await stored_world.ingest([a_psa_account(f"p{number}", f"Name {number}")])
    await stored_world.ingest([an_integration(), a_psa()])
    await stored_world.close()

    await asyncio.gather(stored_world.match(), mongo_world(mongo).match())

    keys = [message.key for message in await stored_world.published()]
    assert len(keys) == len(set(keys)) == 20


async def test_a_person_and_the_matching_never_decide_on_the_same_state(stored_world: MatcherWorld) -> None:
    await stored_world.receive(*CONTOSO[:3], a_psa_account("8", "Fabrikam"))
    await stored_world.ingest([a_psa_account("9", "Contoso")])
    await stored_world.close()

    await asyncio.gather(stored_world.match(), stored_world.approve("1", "8"))

    revisions = [message.revision for message in await stored_world.published()]  # type: ignore[attr-defined]  # states
    assert await stored_world.mapped() == {"1": "8"}
    assert revisions == [revisions[0] + place for place in range(len(revisions))]


async def test_a_unit_of_work_that_fails_leaves_nothing_behind(stored_world: MatcherWorld) -> None:
    await stored_world.ingest(CONTOSO)
    await stored_world.close()

    async def killed_before_the_commit(unit_of_work: UnitOfWork) -> None:
        await unit_of_work.complete(await unit_of_work.read_due(limit=10))
        await unit_of_work.enqueue(ItemKind.PSA_ACCOUNTS, ["lost"])
        raise ConnectionError("killed")

    with pytest.raises(ConnectionError):
        await stored_world.store.run_unit_of_work("demo", killed_before_the_commit)
    await stored_world.match()

    assert await stored_world.mapped() == {"1": "9"}


async def test_tenants_are_matched_apart(stored_world: MatcherWorld) -> None:
    await stored_world.receive(*CONTOSO[:3], a_psa(tenant_id="rival"))

    await stored_world.receive(a_psa_account("9", "Contoso", tenant_id="rival"))

    assert await stored_world.published() == []
