"""Rounds: marks united, taken in pieces and in turns, and never lost."""

import asyncio
from datetime import timedelta

import pytest
from billing_world import World, a_mapped_world, a_world
from observation_builders import NOW, TENANT, a_mapping, a_subscription, an_agreement_line

from billing.observations.account_subscriptions import AccountSubscriptions
from billing.reconciliation.scheduler import FEW
from billing.reconciliation.work_item import ReconciliationPass, WorkItem
from shared.contracts.base import State
from shared.mongo import Mongo
from shared.runtime.leases import LeaseLost

MANY = FEW + 10


def a_mark(id_: str, *refs: str, minute: int = 0) -> WorkItem:
    return WorkItem(id_, TENANT, dict.fromkeys(refs, ()), NOW + timedelta(minutes=minute))


def a_round(*marks: WorkItem) -> ReconciliationPass:
    round_ = ReconciliationPass(NOW)
    for mark in marks:
        round_.add(mark)
    return round_


def many() -> list[State]:
    return [a_subscription(1, id_=f"s{place:03}", account=f"a{place:03}") for place in range(MANY)]


def test_an_account_that_many_marks_name_is_seen_to_once() -> None:
    round_ = a_round(a_mark("m1", "v:a", "v:b"), a_mark("m2", "v:b", "v:c"))

    assert round_.first(10) == ["v:a", "v:b", "v:c"]


def test_a_mark_is_done_with_once_all_that_it_names_is_seen_to() -> None:
    round_ = a_round(a_mark("m1", "v:a", "v:b"), a_mark("m2", "v:b"))

    assert round_.seen_to(["v:b", "v:elsewhere"]) == ["m2"]
    assert round_.seen_to(["v:a", "v:b"]) == ["m1"]
    assert not round_


def test_an_account_waits_since_the_first_mark_that_names_it() -> None:
    round_ = a_round(a_mark("m1", "v:a", minute=5), a_mark("m2", "v:a", minute=3))

    assert round_.since("v:a") == NOW + timedelta(minutes=3)


async def test_all_news_of_a_scope_is_reconciled_in_one_step(mongo: Mongo) -> None:
    world = await a_world(mongo)
    await world.hear(a_mapping("account", "acme", "co1"), a_subscription(7), an_agreement_line(5))
    await world.hear(a_subscription(8, revision=11), an_agreement_line(6, revision=11))

    await world.reconciler.step()

    assert await marks(world) == 0


async def test_marks_stay_until_all_that_they_name_is_stored(mongo: Mongo) -> None:
    world = await a_world(mongo)
    await world.hear(*many())

    await world.reconciler.step()
    early = await marks(world), len((await world.lines.page(TENANT, limit=MANY))[0])
    await world.reconciler.step()

    assert early == (1, FEW)
    assert await marks(world) == 0


async def test_a_round_that_is_cut_off_is_taken_up_by_the_next_process(mongo: Mongo) -> None:
    world = await a_world(mongo)
    await world.hear(*many())
    await world.reconciler.step()
    await world.reconciler.release()

    await World(mongo).reconcile()

    lines, _ = await world.lines.page(TENANT, limit=MANY + 1)
    assert len(lines) == MANY


async def test_tenants_take_turns(mongo: Mongo) -> None:
    world = await a_world(mongo)
    await world.hear(*many())
    await world.hear(a_subscription(7, tenant_id="t2", integration_id="int_other"))

    await world.reconciler.step()
    await world.reconciler.step()

    [line], _ = await world.lines.page("t2")
    assert line.vendor_count.number == 7
    assert await marks(world) == 1


async def test_one_that_was_paused_takes_no_mark_away(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5))
    await world.hear(a_subscription(7), a_mapping("service", "svc1", "prod1"))
    await world.lines.admit("another")
    before = await marks(world)

    with pytest.raises(LeaseLost):
        await world.reconciling.see_to_some("paused")

    assert await marks(world) >= before


async def test_a_mark_that_an_earlier_version_left_is_seen_to(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5))
    await world.hear(a_mapping("service", "svc1", None, revision=2))
    await mongo.documents("touched", TENANT).change_many({}, {"$unset": {"wide": ""}})

    await world.reconcile()

    assert {line.reason for line in await world.stored()} == {"service excluded"}


async def test_subscriptions_that_two_join_at_once_are_all_kept(mongo: Mongo) -> None:
    keys = [f"k{place}" for place in range(5)]
    await AccountSubscriptions(mongo).join(TENANT, {"v:a": ["k"]})

    await asyncio.gather(*(AccountSubscriptions(mongo).join(TENANT, {"v:a": [key]}) for key in keys))

    [row] = await mongo.documents("members", TENANT).find()
    assert row["keys"] == sorted(["k", *keys])


async def marks(world: World) -> int:
    return await world.mongo.all_tenants("touched").count()
