"""Who reconciles: by lease and fence, also when a fence is acquired late; and who is woken then."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import pytest
from billing_world import World, a_mapped_world, a_world
from observation_builders import TENANT, a_subscription, an_agreement_line

from billing.reconciliation.leader import ReconcilerLeader
from billing.usage.repository import UsageLineRepository
from shared.errors import TransientError
from shared.mongo import Mongo
from shared.runtime.leases import LeaseLost, Leases
from shared.runtime.shards import SHARDS, shard_of


@dataclass
class FailingFence:
    """A fence that is acquired, but the store's answer is lost, once."""

    lines: UsageLineRepository
    failed: bool = False

    async def acquire_fence(self, shard: int, token: str) -> None:
        await self.lines.acquire_fence(shard, token)
        if not self.failed:
            self.failed = True
            raise TransientError("the store went away")


@dataclass
class LateFence:
    """A fence that is acquired only after a rival has taken the lease and acquired its own."""

    world: World
    rival: ReconcilerLeader

    async def acquire_fence(self, shard: int, token: str) -> None:
        await self.world.mongo.all_tenants("leases").remove_many(
            [row["_id"] for row in await self.world.mongo.all_tenants("leases").find()]
        )
        assert await self.rival.step()
        await self.world.lines.acquire_fence(shard, token)


@pytest.fixture
async def world(mongo: Mongo) -> World:
    """One line of seven, and news that it is eight; nobody leads."""
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5))
    await world.leader.release()
    await world.read(a_subscription(8, revision=11))
    return world


async def test_a_leader_whose_fence_was_taken_over_takes_the_lease_anew(world: World) -> None:
    await world.reconcile()
    await world.read(a_subscription(9, revision=12))
    await world.lines.acquire_fence(shard_of(TENANT), "one that was paused")

    with pytest.raises(LeaseLost):
        await world.leader.step()
    await world.reconcile()

    assert (await world.line()).vendor_count.number == 9
    assert await world.queue.tenants(world.now) == []


async def test_a_fence_that_is_acquired_late_stops_nobody_for_long(world: World) -> None:
    rival = World(world.mongo).leader
    late = ReconcilerLeader(world.reconciler, Leases(world.mongo), LateFence(world, rival).acquire_fence)
    await late.step()
    await world.read(a_subscription(9, revision=12))

    with pytest.raises(LeaseLost):
        await rival.step()
    while await rival.step():
        pass

    assert (await world.line()).vendor_count.number == 9
    assert await world.queue.tenants(world.now) == []


async def test_who_could_not_acquire_the_fence_leaves_the_lease_to_others(world: World) -> None:
    unlucky = ReconcilerLeader(world.reconciler, Leases(world.mongo), FailingFence(world.lines).acquire_fence)

    with pytest.raises(TransientError):
        await unlucky.step()

    assert await world.leader.step()
    assert (await world.line()).vendor_count.number == 8


async def test_who_could_not_acquire_the_fence_acquires_it_the_next_time(world: World) -> None:
    unlucky = ReconcilerLeader(world.reconciler, Leases(world.mongo), FailingFence(world.lines).acquire_fence)

    with pytest.raises(TransientError):
        await unlucky.step()
    await unlucky.step()

    assert (await world.line()).vendor_count.number == 8


async def test_the_end_of_a_pass_wakes_who_waits_for_it(world: World) -> None:
    work, completed = asyncio.Event(), asyncio.Event()
    job = world.leader.job(work, completed)

    await job.step()

    assert completed.is_set()


async def test_a_reconciler_with_nothing_to_do_wakes_nobody(mongo: Mongo) -> None:
    world = await a_world(mongo)
    work, completed = asyncio.Event(), asyncio.Event()
    job = world.leader.job(work, completed)

    await job.step()
    await job.step()

    assert not completed.is_set()


async def test_an_empty_queue_wakes_who_waits_for_it_once(world: World) -> None:
    work, completed = asyncio.Event(), asyncio.Event()
    job = world.leader.job(work, completed)
    while await job.step():
        pass
    woken = completed.is_set()

    completed.clear()
    await job.step()

    assert woken
    assert not completed.is_set()


async def test_who_lost_the_lead_wakes_nobody(world: World) -> None:
    work, completed = asyncio.Event(), asyncio.Event()
    job = world.leader.job(work, completed)
    await job.step()
    await world.leader.release()
    await World(world.mongo).leader.step()

    completed.clear()
    await job.step()

    assert not completed.is_set()


def tenant_of(shard: int) -> str:
    """A tenant in this shard."""
    return next(name for number in range(1000) if shard_of(name := f"t{number}") == shard)


async def test_replicas_share_the_tenants_and_each_works_on_its_own(world: World) -> None:
    leaders = [
        ReconcilerLeader(
            other.reconciler, Leases(world.mongo), other.lines.acquire_fence, term=timedelta(seconds=10)
        )
        for other in (World(world.mongo), World(world.mongo))
    ]
    for _ in range(4):  # the first takes all, hears of the second, and gives half of them back
        for leader in leaders:
            await leader.step()
        await asyncio.sleep(1)  # each looks ten times in a term
    await world.read(
        *(
            a_subscription(7, tenant_id=tenant_of(shard), integration_id=f"int_{shard}")
            for shard in range(SHARDS)
        )
    )

    done = [0, 0]
    for place, leader in enumerate(leaders):
        while await leader.step():
            done[place] += 1

    assert done == [SHARDS // 2, SHARDS // 2]
    assert await world.queue.tenants(world.now) == []


async def test_a_fence_of_one_shard_stops_nobody_in_another(world: World) -> None:
    other = next(shard for shard in range(SHARDS) if shard != shard_of(TENANT))
    await world.reconcile()
    await world.read(a_subscription(9, revision=12))

    await world.lines.acquire_fence(other, "another")
    await world.reconcile()

    assert (await world.line()).vendor_count.number == 9


async def test_a_paused_leader_of_a_shard_cannot_save_although_it_leads_others(world: World) -> None:
    await world.reconcile()
    await world.read(a_subscription(9, revision=12))
    rows = world.mongo.all_tenants("leases")
    await rows.remove({"_id": f"reconciling:shard:{shard_of(TENANT)}"})
    rival = World(world.mongo).leader
    assert await rival.step()
    await world.read(a_subscription(10, revision=13))

    with pytest.raises(LeaseLost):
        await world.leader.step()

    assert (await world.line()).vendor_count.number == 9
