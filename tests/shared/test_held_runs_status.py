"""Every status of an integration says which of its runs are held, whoever reports it."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from shared.contracts.base import Outcome
from shared.run_hold import SHOWN_HOLDS, RunHold
from shared.runtime.settings import RedisSettings
from shared.status_channel import RunStatus, StatusChannel

AT = datetime(2026, 3, 10, 12, tzinfo=UTC)
HELD = RunHold(run_id="r1", objection='all 12 lines, "held_runs":[] among them, would vanish', held_at=AT)


@pytest.fixture
async def live(redis_settings: RedisSettings) -> AsyncIterator[StatusChannel]:
    channel = StatusChannel(redis_settings)
    yield channel
    await channel.close()


@pytest.fixture
def tenant_id() -> str:
    return uuid4().hex


def a_status(tenant_id: str, *, run_id: str = "r2", done: int = 0, **more: object) -> RunStatus:
    known = {"integration_id": "i", "sync_id": "s", "phase": "details"}
    return RunStatus.model_validate({"tenant_id": tenant_id, "run_id": run_id, "done": done, **known, **more})


async def shown(live: StatusChannel, tenant_id: str) -> RunStatus:
    return (await live.snapshot(tenant_id))["i"]


async def test_a_hold_is_told_at_once_and_leaves_the_run_that_goes_on_as_it_is(
    live: StatusChannel, tenant_id: str
) -> None:
    await live.report(a_status(tenant_id, done=7, total=9))

    async with aclosing(live.follow(tenant_id)) as following:
        before = await anext(following)
        await live.show_holds(tenant_id, "i", [HELD])
        told = await anext(following)

    assert told.held_runs == (HELD,)
    assert told.seq > before.seq
    assert told.model_copy(update={"seq": 0, "held_runs": ()}) == before.model_copy(update={"seq": 0})


async def test_later_reports_of_a_sync_service_take_along_what_is_held(
    live: StatusChannel, tenant_id: str
) -> None:
    await live.show_holds(tenant_id, "i", [HELD])
    await live.report(a_status(tenant_id))
    await live.report(a_status(tenant_id, done=8))

    assert ((await shown(live, tenant_id)).done, (await shown(live, tenant_id)).held_runs) == (8, (HELD,))


async def test_a_run_that_has_ended_stays_so_when_a_hold_is_shown(
    live: StatusChannel, tenant_id: str
) -> None:
    await live.report(a_status(tenant_id, outcome=Outcome.COMPLETE))
    await live.show_holds(tenant_id, "i", [HELD])
    await live.report(a_status(tenant_id, done=1))

    status = await shown(live, tenant_id)
    assert (status.outcome, status.held_runs) == (Outcome.COMPLETE, (HELD,))


async def test_what_is_shown_already_is_not_told_again(live: StatusChannel, tenant_id: str) -> None:
    await live.report(a_status(tenant_id))
    await live.show_holds(tenant_id, "i", [HELD])
    first = await shown(live, tenant_id)

    await live.show_holds(tenant_id, "i", [HELD])

    assert await shown(live, tenant_id) == first


async def test_a_hold_that_has_ended_is_shown_no_more(live: StatusChannel, tenant_id: str) -> None:
    await live.report(a_status(tenant_id))
    await live.show_holds(tenant_id, "i", [HELD])
    await live.show_holds(tenant_id, "i", [])
    await live.report(a_status(tenant_id, done=3))

    assert (await shown(live, tenant_id)).held_runs == ()


async def test_a_reporter_says_nothing_about_holds_itself(live: StatusChannel, tenant_id: str) -> None:
    await live.show_holds(tenant_id, "i", [HELD])
    await live.report(a_status(tenant_id, held_runs=()))

    assert (await shown(live, tenant_id)).held_runs == (HELD,)


async def test_after_a_flush_the_hold_comes_back_in_whatever_order_status_and_hold_are_told(
    live: StatusChannel, redis_settings: RedisSettings, tenant_id: str
) -> None:
    await live.report(a_status(tenant_id))
    await live.show_holds(tenant_id, "i", [HELD])
    redis = Redis.from_url(redis_settings.url.get_secret_value())

    await redis.delete(f"status:{tenant_id}", f"status:{tenant_id}:held")
    await live.show_holds(tenant_id, "i", [HELD])
    nothing = await live.snapshot(tenant_id)
    await live.report(a_status(tenant_id))
    held_first = await shown(live, tenant_id)
    await redis.delete(f"status:{tenant_id}", f"status:{tenant_id}:held")
    await live.report(a_status(tenant_id))
    await live.show_holds(tenant_id, "i", [HELD])
    await redis.aclose()

    assert nothing == {}
    assert held_first.held_runs == (await shown(live, tenant_id)).held_runs == (HELD,)


@pytest.mark.parametrize("junk", ["", "[", "{}", '{"a":1}', "7", '"x"', "nonsense", "[7]"])
async def test_junk_among_the_holds_keeps_no_reporter_from_reporting(
    live: StatusChannel, redis_settings: RedisSettings, tenant_id: str, junk: str
) -> None:
    redis = Redis.from_url(redis_settings.url.get_secret_value())
    await redis.hset(f"status:{tenant_id}:held", "i", junk)
    await redis.aclose()

    await live.report(a_status(tenant_id, done=5))

    assert ((await shown(live, tenant_id)).done, (await shown(live, tenant_id)).held_runs) == (5, ())


async def test_a_status_of_before_there_were_holds_is_told_with_them(
    live: StatusChannel, redis_settings: RedisSettings, tenant_id: str
) -> None:
    old = a_status(tenant_id, done=4, seq=17).model_dump_json(exclude={"held_runs"})
    redis = Redis.from_url(redis_settings.url.get_secret_value())
    await redis.hset(f"status:{tenant_id}", "i", old)
    await redis.aclose()

    await live.show_holds(tenant_id, "i", [HELD])

    status = await shown(live, tenant_id)
    assert (status.done, status.held_runs) == (4, (HELD,))
    assert status.seq > 17


async def test_a_status_shows_a_few_holds_however_many_there_are(live: StatusChannel, tenant_id: str) -> None:
    many = [HELD.model_copy(update={"held_at": AT - timedelta(days=days)}) for days in range(50)]
    await live.report(a_status(tenant_id))

    await live.show_holds(tenant_id, "i", many)

    assert (await shown(live, tenant_id)).held_runs == tuple(many[:SHOWN_HOLDS])
