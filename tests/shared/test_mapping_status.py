"""Every status of an integration says what of it waits to be mapped, whoever reports it."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from shared.contracts.base import Outcome
from shared.mapping_counts import KindCounts, MappingCounts
from shared.run_hold import RunHold
from shared.runtime.settings import RedisSettings
from shared.status_channel import RunStatus, StatusChannel

COUNTS = MappingCounts(accounts=KindCounts(undecided=8, proposed=5, likely=3))
MORE = MappingCounts(accounts=KindCounts(undecided=7, proposed=5, likely=3))
HELD = RunHold(run_id="r1", objection='"mapping":null', held_at=datetime(2026, 3, 10, 12, tzinfo=UTC))


@pytest.fixture
async def live(redis_settings: RedisSettings) -> AsyncIterator[StatusChannel]:
    channel = StatusChannel(redis_settings)
    yield channel
    await channel.close()


@pytest.fixture
def tenant_id() -> str:
    return uuid4().hex


def a_status(tenant_id: str, **more: object) -> RunStatus:
    known = {"integration_id": "i", "run_id": "r", "sync_id": "s", "phase": 'details, "mapping":1'}
    return RunStatus.model_validate({"tenant_id": tenant_id, **known, **more})


async def shown(live: StatusChannel, tenant_id: str) -> RunStatus:
    return (await live.snapshot(tenant_id))["i"]


async def test_counts_are_told_at_once_and_leave_the_run_as_it_is(
    live: StatusChannel, tenant_id: str
) -> None:
    await live.report(a_status(tenant_id, done=7, total=9))

    async with aclosing(live.follow(tenant_id)) as following:
        before = await anext(following)
        await live.show_mapping(tenant_id, "i", COUNTS)
        told = await anext(following)

    assert told.mapping == COUNTS
    assert told.seq > before.seq
    assert told.model_copy(update={"seq": 0, "mapping": None}) == before.model_copy(update={"seq": 0})


async def test_later_reports_take_the_newest_counts_along(live: StatusChannel, tenant_id: str) -> None:
    await live.show_mapping(tenant_id, "i", COUNTS)
    await live.report(a_status(tenant_id))
    first = await shown(live, tenant_id)
    await live.show_mapping(tenant_id, "i", MORE)
    await live.report(a_status(tenant_id, done=8))

    assert first.mapping == COUNTS
    assert ((await shown(live, tenant_id)).done, (await shown(live, tenant_id)).mapping) == (8, MORE)


async def test_counts_and_held_runs_stand_beside_each_other(live: StatusChannel, tenant_id: str) -> None:
    await live.report(a_status(tenant_id, outcome=Outcome.COMPLETE))
    await live.show_holds(tenant_id, "i", [HELD])
    await live.show_mapping(tenant_id, "i", COUNTS)
    both = await shown(live, tenant_id)
    await live.show_holds(tenant_id, "i", [])

    assert (both.mapping, both.held_runs, both.outcome) == (COUNTS, (HELD,), Outcome.COMPLETE)
    last = await shown(live, tenant_id)
    assert (last.mapping, last.held_runs, last.outcome) == (COUNTS, (), Outcome.COMPLETE)
    assert last.phase == 'details, "mapping":1'


async def test_the_same_counts_are_not_told_again(live: StatusChannel, tenant_id: str) -> None:
    await live.report(a_status(tenant_id))
    await live.show_mapping(tenant_id, "i", COUNTS)
    first = await shown(live, tenant_id)

    await live.show_mapping(tenant_id, "i", COUNTS)

    assert await shown(live, tenant_id) == first


@pytest.mark.parametrize("junk", ["", "[", "[]", '{"accounts":7}', "7", '"x"', "nonsense"])
async def test_junk_among_the_counts_keeps_nobody_from_reporting(
    live: StatusChannel, redis_settings: RedisSettings, tenant_id: str, junk: str
) -> None:
    redis = Redis.from_url(redis_settings.url.get_secret_value())
    await redis.hset(f"status:{tenant_id}:mapping", "i", junk)
    await redis.aclose()

    await live.report(a_status(tenant_id, done=5))

    assert ((await shown(live, tenant_id)).done, (await shown(live, tenant_id)).mapping) == (5, None)


async def test_a_status_of_before_there_were_counts_is_told_with_them(
    live: StatusChannel, redis_settings: RedisSettings, tenant_id: str
) -> None:
    old = a_status(tenant_id, done=4, seq=17).model_dump_json(exclude={"held_runs", "mapping"})
    redis = Redis.from_url(redis_settings.url.get_secret_value())
    await redis.hset(f"status:{tenant_id}", "i", old[:-1] + ',"held_runs":[]}')
    await redis.aclose()

    await live.show_mapping(tenant_id, "i", COUNTS)

    status = await shown(live, tenant_id)
    assert (status.done, status.mapping) == (4, COUNTS)
    assert status.seq > 17
