"""Who reconciles: by lease and admission, also when an admission comes late; and who is woken then."""

import asyncio
from dataclasses import dataclass

import pytest
from billing_world import World, a_mapped_world, a_world
from observation_builders import a_subscription, an_agreement_line

from billing.reconciliation.leader import ReconcilerLeader
from billing.usage.repository import UsageLineRepository
from shared.errors import TransientError
from shared.mongo import Mongo
from shared.runtime.leases import LeaseLost, Leases


@dataclass
class Failing:
    """The store's answer to an admission is lost, once."""

    lines: UsageLineRepository
    failed: bool = False

    async def admit(self, token: str) -> None:
        await self.lines.admit(token)
        if not self.failed:
            self.failed = True
            raise TransientError("the store went away")


@dataclass
class Late:
    """An admission that reaches the store only when the lease is another's, who was admitted."""

    world: World
    rival: ReconcilerLeader

    async def admit(self, token: str) -> None:
        await self.world.mongo.all_tenants("leases").remove({"_id": "reconciling"})
        assert await self.rival.step()
        await self.world.lines.admit(token)


@pytest.fixture
async def world(mongo: Mongo) -> World:
    """One line of seven, and news that it is eight; nobody leads."""
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5))
    await world.reconciler.release()
    await world.hear(a_subscription(8, revision=11))
    return world


async def test_a_reconciler_that_was_admitted_over_takes_the_lease_anew(world: World) -> None:
    await world.reconcile()
    await world.hear(a_subscription(9, revision=12))
    await world.lines.admit("one that was paused")

    with pytest.raises(LeaseLost):
        await world.reconciler.step()
    await world.reconcile()

    assert (await world.line()).vendor_count.number == 9
    assert await world.touched.tenants(world.now) == []


async def test_an_admission_that_comes_late_stops_nobody_for_long(world: World) -> None:
    rival = World(world.mongo).reconciler
    late = ReconcilerLeader(world.reconciling, Leases(world.mongo), Late(world, rival).admit)
    await late.step()
    await world.hear(a_subscription(9, revision=12))

    with pytest.raises(LeaseLost):
        await rival.step()
    while await rival.step():
        pass

    assert (await world.line()).vendor_count.number == 9
    assert await world.touched.tenants(world.now) == []


async def test_who_could_not_be_admitted_leaves_the_lease_to_others(world: World) -> None:
    unlucky = ReconcilerLeader(world.reconciling, Leases(world.mongo), Failing(world.lines).admit)

    with pytest.raises(TransientError):
        await unlucky.step()

    assert await world.reconciler.step()
    assert (await world.line()).vendor_count.number == 8


async def test_who_could_not_be_admitted_is_admitted_the_next_time(world: World) -> None:
    unlucky = ReconcilerLeader(world.reconciling, Leases(world.mongo), Failing(world.lines).admit)

    with pytest.raises(TransientError):
        await unlucky.step()
    await unlucky.step()

    assert (await world.line()).vendor_count.number == 8


async def test_the_end_of_a_round_wakes_who_waits_for_it(world: World) -> None:
    touched, done = asyncio.Event(), asyncio.Event()
    job = world.reconciler.job(touched, done)

    await job.step()

    assert done.is_set()


async def test_a_reconciler_with_nothing_to_do_wakes_nobody(mongo: Mongo) -> None:
    world = await a_world(mongo)
    touched, done = asyncio.Event(), asyncio.Event()
    job = world.reconciler.job(touched, done)

    await job.step()
    await job.step()

    assert not done.is_set()


async def test_that_nothing_is_left_is_told_once(world: World) -> None:
    touched, done = asyncio.Event(), asyncio.Event()
    job = world.reconciler.job(touched, done)
    while await job.step():
        pass
    told = done.is_set()

    done.clear()
    await job.step()

    assert told
    assert not done.is_set()


async def test_who_lost_the_lead_wakes_nobody(world: World) -> None:
    touched, done = asyncio.Event(), asyncio.Event()
    job = world.reconciler.job(touched, done)
    await job.step()
    await world.reconciler.release()
    await World(world.mongo).reconciler.step()

    done.clear()
    await job.step()

    assert not done.is_set()
