import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.mongo import Mongo
from shared.runtime.leases import LeaseLost, Leases
from shared.runtime.shards import SHARDS, ShardLeader, shard_of

TERM = timedelta(seconds=2)


def a_leader(mongo: Mongo) -> ShardLeader:
    return ShardLeader(Leases(mongo), "work", TERM)


async def until(reached: Callable[[], Awaitable[bool]], *, seconds: float = 30) -> float:
    """Waits until something holds, and returns how long that took, in seconds."""
    clock = asyncio.get_running_loop()
    began = clock.time()
    while not await reached():
        assert clock.time() - began < seconds
        await asyncio.sleep(0.02)
    return clock.time() - began


async def counts(*leaders: ShardLeader) -> list[int]:
    return [len(await leader.hold()) for leader in leaders]


def test_a_tenant_is_always_in_one_shard() -> None:
    # Written down: another build must find them there as well.
    assert [shard_of(name) for name in ("demo", "acme", "t2")] == [10, 2, 4]


@given(st.text(max_size=50))
def test_every_tenant_is_in_some_shard(tenant_id: str) -> None:
    assert 0 <= shard_of(tenant_id) < SHARDS


async def test_who_is_alone_leads_all_shards_at_once(mongo: Mongo) -> None:
    assert await counts(a_leader(mongo)) == [SHARDS]


async def test_replicas_come_to_fair_shares_and_no_shard_has_two_leaders(mongo: Mongo) -> None:
    leaders = [a_leader(mongo) for _ in range(3)]

    await until(lambda: _has(leaders, [6, 6, 4]))

    held = [shard for leader in leaders for shard in await leader.hold()]
    assert sorted(held) == list(range(SHARDS))


async def _has(leaders: list[ShardLeader], wanted: list[int]) -> bool:
    return sorted(await counts(*leaders), reverse=True) == wanted


async def test_what_a_dead_replica_leaves_is_taken_over_when_its_leases_are_over(mongo: Mongo) -> None:
    living, dead = a_leader(mongo), a_leader(mongo)
    await until(lambda: _has([living, dead], [8, 8]))

    took = await until(lambda: _has([living], [SHARDS]))

    assert took < TERM.total_seconds() * 1.5


async def test_a_replica_that_ends_leaves_its_shards_at_once(mongo: Mongo) -> None:
    leaving, next_one = a_leader(mongo), a_leader(mongo)
    await leaving.hold()

    await leaving.release()

    assert await counts(next_one) == [SHARDS]


async def test_a_shard_that_is_given_up_has_another_token_when_it_is_led_again(mongo: Mongo) -> None:
    leader = a_leader(mongo)
    before = (await leader.hold())[3].token

    await leader.give_up(3)
    after = (await leader.hold())[3].token

    assert after != before


async def test_long_work_on_one_shard_costs_no_other_one(mongo: Mongo) -> None:
    leader, rival = a_leader(mongo), a_leader(mongo)
    tokens = {shard: lease.token for shard, lease in (await leader.hold()).items()}

    async with leader.keep_alive(3):
        await asyncio.sleep(TERM.total_seconds() * 1.2)
        taken_by_rival = await counts(rival)

    assert taken_by_rival == [0]
    held = await leader.hold()
    assert {shard: lease.token for shard, lease in held.items()}.items() <= tokens.items()


async def test_work_on_a_shard_ends_when_another_replica_has_taken_it(mongo: Mongo) -> None:
    leader = a_leader(mongo)
    await leader.hold()
    await mongo.all_tenants("leases").remove({"_id": "work:shard:3"})

    with pytest.raises(LeaseLost):
        async with leader.keep_alive(3):
            await asyncio.sleep(TERM.total_seconds() * 3)


async def test_one_shard_that_was_taken_over_leaves_the_others(mongo: Mongo) -> None:
    leader = a_leader(mongo)
    await leader.hold()
    await mongo.all_tenants("leases").change({"_id": "work:shard:3"}, {"$set": {"token": "a rival's"}})
    await asyncio.sleep(TERM.total_seconds() * 0.6)

    held = await leader.hold()

    assert set(held) >= set(range(SHARDS)) - {3}
