"""A bug in one account group: what cannot be reconciled waits, and nothing else waits for it."""

from typing import Any

from billing_world import World, a_mapped_world
from observation_builders import TENANT, a_subscription, an_agreement_line

from shared.contracts.base import Outcome
from shared.mongo import Mongo

SECOND: dict[str, Any] = {"run_id": "run-2", "first_revision": 20, "sync_id": "sync-2"}


async def test_a_group_that_cannot_be_reconciled_holds_up_no_other(mongo: Mongo) -> None:
    world = await a_world_with_a_spoilt_group(mongo)
    others = [a_subscription(3, id_=f"s{place}", account=f"a{place}") for place in range(5)]

    await world.read(a_subscription(8, revision=11), *others)
    await world.reconcile()

    numbers = {line.vendor_account_id or "spoilt": line.vendor_count.number for line in await world.stored()}
    assert numbers == {"spoilt": 7} | {f"a{place}": 3 for place in range(5)}


async def test_what_was_requeued_is_tried_again_after_a_pause(mongo: Mongo) -> None:
    world = await a_world_with_a_spoilt_group(mongo)
    await world.read(a_subscription(8, revision=11))
    await world.reconcile()
    await mongo.documents("agreement_lines", TENANT).change({}, {"$set": {"quantity": "5"}})

    await world.reconcile()
    early = await world.line()
    world.advance(minutes=1)
    await world.reconcile()

    assert early.vendor_count.number == 7
    assert (await world.line()).vendor_count.number == 8
    assert await mongo.all_tenants("work_items").count() == 0


async def test_what_fails_again_and_again_leaves_one_request(mongo: Mongo) -> None:
    world = await a_world_with_a_spoilt_group(mongo)
    for revision in range(11, 14):
        await world.read(a_subscription(revision, revision=revision))
        await world.reconcile()

    world.advance(minutes=1)
    await world.reconcile()

    assert await mongo.all_tenants("work_items").count() == 1


async def test_a_run_of_which_something_was_requeued_is_reconciled_as_partial(mongo: Mongo) -> None:
    world = await a_world_with_a_spoilt_group(mongo)
    await world.ingest(a_subscription(8, revision=20, run_id="run-2"))

    await world.finish_run(**SECOND)

    [run] = await mongo.all_tenants("runs").find({"run_id": "run-2"})
    assert (run["state"], run["verdict"]) == ("reconciled", Outcome.PARTIAL)
    assert world.status_channel.reported[-1].outcome is Outcome.PARTIAL


async def a_world_with_a_spoilt_group(mongo: Mongo) -> World:
    """Its agreement line cannot be read any more."""
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5))
    await mongo.documents("agreement_lines", TENANT).change({}, {"$set": {"quantity": "many"}})
    return world
