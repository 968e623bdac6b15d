import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any
from uuid import uuid4

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from shared.contracts.base import Outcome
from shared.errors import TransientError
from shared.limits import hits
from shared.runtime.settings import RedisSettings
from shared.status_channel import RunStatus, StatusChannel


@pytest.fixture
async def live(redis_settings: RedisSettings) -> AsyncIterator[StatusChannel]:
    channel = StatusChannel(redis_settings)
    yield channel
    await channel.close()


@pytest.fixture
def tenant_id() -> str:
    return uuid4().hex


def a_status(
    tenant_id: str, *, done: int = 0, run_id: str = "r1", outcome: Outcome | None = None
) -> RunStatus:
    return RunStatus(
        tenant_id=tenant_id,
        integration_id="i",
        run_id=run_id,
        sync_id="s",
        phase="details",
        done=done,
        outcome=outcome,
    )


async def first(following: AsyncIterator[RunStatus], count: int) -> list[RunStatus]:
    async with asyncio.timeout(60):
        return [await anext(following) for _ in range(count)]


async def test_a_reader_begins_with_the_snapshot_and_hears_what_follows(
    live: StatusChannel, tenant_id: str
) -> None:
    await live.report(a_status(tenant_id, done=1))

    async with aclosing(live.follow(tenant_id)) as following:
        begun = await first(following, 1)
        await live.report(a_status(tenant_id, done=2))
        await live.report(a_status(tenant_id, done=3))
        later = await first(following, 2)

    assert [status.done for status in begun + later] == [1, 2, 3]
    assert begun[0].seq < later[0].seq < later[1].seq


async def test_a_late_progress_report_does_not_reopen_a_run(live: StatusChannel, tenant_id: str) -> None:
    await live.report(a_status(tenant_id, done=9, outcome=Outcome.COMPLETE))
    await live.report(a_status(tenant_id, done=8))

    assert (await live.snapshot(tenant_id))["i"].outcome is Outcome.COMPLETE

    await live.report(a_status(tenant_id, done=0, run_id="r2"))
    assert (await live.snapshot(tenant_id))["i"].outcome is None


async def test_a_flushed_redis_does_not_silence_a_reader(
    live: StatusChannel, redis_settings: RedisSettings, tenant_id: str
) -> None:
    await live.report(a_status(tenant_id, done=1))
    async with aclosing(live.follow(tenant_id)) as following:
        [before] = await first(following, 1)

        async with Redis.from_url(redis_settings.url.get_secret_value()) as redis:
            await redis.delete(f"status:{tenant_id}")
        await live.report(a_status(tenant_id, done=2))

        [after] = await first(following, 1)
    assert after.seq > before.seq


async def test_junk_on_the_channel_is_passed_over(
    live: StatusChannel, redis_settings: RedisSettings, tenant_id: str
) -> None:
    async with aclosing(live.follow(tenant_id)) as following:
        waiting = asyncio.ensure_future(first(following, 1))
        async with Redis.from_url(redis_settings.url.get_secret_value()) as redis:
            while not await redis.publish(f"status:{tenant_id}", "junk"):
                await asyncio.sleep(0.01)
        await live.report(a_status(tenant_id, done=5))

        assert [status.done for status in await waiting] == [5]


async def test_a_message_that_was_lost_is_made_good_by_the_next_look(
    live: StatusChannel, redis_settings: RedisSettings, tenant_id: str
) -> None:
    async with aclosing(live.follow(tenant_id)) as following:
        await live.report(a_status(tenant_id, done=1))
        await first(following, 1)
        lost = a_status(tenant_id, done=2).model_copy(update={"seq": 2**52}).model_dump_json()
        async with Redis.from_url(redis_settings.url.get_secret_value()) as redis:
            await redis.hset(f"status:{tenant_id}", "i", lost)

        assert [status.done for status in await first(following, 1)] == [2]


async def test_a_redis_that_is_away_is_said_so() -> None:
    live = StatusChannel(RedisSettings.model_validate({"url": "redis://127.0.0.1:1"}))

    with pytest.raises(TransientError, match="status channel"):
        await live.report(a_status("t"))
    await live.close()


HOSTILE_ROWS: dict[Any, Any] = {
    "no JSON": "junk",
    "not UTF-8": b"\xff\xfe",
    "another shape": '{"seq": "x"}',
    "no object": "[]",
    "deep": "[" * 5_000,
    "huge": '{"phase": "' + "x" * 2_000_000 + '"}',
}


async def test_a_broken_row_breaks_nobodys_snapshot(
    live: StatusChannel, redis_settings: RedisSettings, tenant_id: str
) -> None:
    await live.report(a_status(tenant_id, done=3))
    foreign = a_status("other", done=4).model_copy(update={"seq": 1}).model_dump_json()
    async with Redis.from_url(redis_settings.url.get_secret_value()) as redis:
        await redis.hset(f"status:{tenant_id}", mapping={**HOSTILE_ROWS, "foreign": foreign})

        assert {name: status.done for name, status in (await live.snapshot(tenant_id)).items()} == {"i": 3}
        assert f"7 in 'status:{tenant_id}'" in (live.degradation() or "")
        async with aclosing(live.follow(tenant_id)) as following:
            assert [status.done for status in await first(following, 1)] == [3]

        await redis.hdel(f"status:{tenant_id}", *HOSTILE_ROWS, "foreign")
        await live.snapshot(tenant_id)
    assert live.degradation() is None


@pytest.mark.parametrize("known", ["junk", "[]", "{}", '{"seq": {}}', '{"seq": 1e300}', '{"seq": -5}'])
async def test_what_is_no_status_of_ours_keeps_no_reporter_from_reporting(
    live: StatusChannel, redis_settings: RedisSettings, tenant_id: str, known: str
) -> None:
    async with Redis.from_url(redis_settings.url.get_secret_value()) as redis:
        await redis.hset(f"status:{tenant_id}", "i", known)

    await live.report(a_status(tenant_id, done=1))

    assert (await live.snapshot(tenant_id))["i"].done == 1


@pytest.mark.parametrize("suffix", ["", ":log"])
async def test_a_key_of_another_type_is_replaced_by_the_next_report(
    live: StatusChannel, redis_settings: RedisSettings, tenant_id: str, suffix: str
) -> None:
    async with Redis.from_url(redis_settings.url.get_secret_value()) as redis:
        await redis.set(f"status:{tenant_id}{suffix}", "garbage")

    await live.report(a_status(tenant_id, done=1))

    assert (await live.snapshot(tenant_id))["i"].done == 1


async def test_what_redis_says_is_in_the_log_and_not_in_what_we_say(
    live: StatusChannel, redis_settings: RedisSettings, tenant_id: str
) -> None:
    async with Redis.from_url(redis_settings.url.get_secret_value()) as redis:
        await redis.set(f"status:{tenant_id}", "garbage")

    with capture_logs() as events, pytest.raises(TransientError) as raised:
        await live.snapshot(tenant_id)

    assert str(raised.value) == "the status channel cannot be read: the log of this service says why"
    assert [event["event"] for event in events] == ["status_channel_failed"]
    assert "WRONGTYPE" in events[0]["error"]


async def test_thousands_of_rows_are_not_all_read(
    live: StatusChannel, redis_settings: RedisSettings, tenant_id: str
) -> None:
    hits_before = hits().get("statuses-per-tenant", 0)
    rows: dict[Any, Any] = {
        f"i{number}": a_status(tenant_id)
        .model_copy(update={"seq": 1, "integration_id": f"i{number}"})
        .model_dump_json()
        for number in range(5_000)
    }
    async with Redis.from_url(redis_settings.url.get_secret_value()) as redis:
        await redis.hset(f"status:{tenant_id}", mapping=rows)

    assert len(await live.snapshot(tenant_id)) == 1_000
    assert hits()["statuses-per-tenant"] == hits_before + 1
