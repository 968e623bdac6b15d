import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from redis.asyncio import Redis

from shared.http_client.rate_limit import LocalBucket, RateLimits, RateLimitSettings, RedisRateLimit
from shared.runtime.settings import RedisSettings

FAST = RateLimitSettings(per_minute=6000, burst=5)


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client: Redis = Redis.from_url(redis_url)
    await client.flushall()
    yield client
    await client.aclose()


class Waits:
    """In place of sleeping: remembers how long was to be waited, and ends the waiting."""

    class Over(Exception):
        """There would be more to wait."""

    async def __call__(self, seconds: float) -> None:
        self.seconds = seconds
        raise self.Over


async def wait_before_a_call(rate_limit: RedisRateLimit, waits: Waits) -> float:
    """Seconds that the bucket would have its caller wait; for hours, what a busy machine adds is nothing."""
    with pytest.raises(Waits.Over):
        await rate_limit.acquire()
    return waits.seconds


async def seconds_for(calls: int, *rate_limits: RedisRateLimit) -> float:
    clock = asyncio.get_running_loop()
    began = clock.time()
    for number in range(calls):
        await rate_limits[number % len(rate_limits)].acquire()
    return clock.time() - began


@given(
    asked=st.lists(st.floats(0, 100), max_size=80).map(sorted),
    per_minute=st.integers(1, 600),
    burst=st.integers(1, 20),
)
def test_no_stretch_of_time_sees_more_than_the_burst_and_the_rate(
    asked: list[float], per_minute: int, burst: int
) -> None:
    settings = RateLimitSettings(per_minute=per_minute, burst=burst)
    bucket = LocalBucket(settings.interval_seconds, settings.tolerance_seconds)

    granted = [now for now in asked if bucket.acquire(now) == 0.0]

    for first, start in enumerate(granted):
        for last, end in enumerate(granted[first:], start=1):
            assert last <= burst + (end - start) / settings.interval_seconds + 1e-6


@given(wait=st.floats(0.1, 100))
def test_whoever_waits_as_told_is_granted(wait: float) -> None:
    bucket = LocalBucket(interval_seconds=wait, tolerance_seconds=0.0)
    assert bucket.acquire(0.0) == 0.0

    assert bucket.acquire(bucket.acquire(0.0)) == 0.0


def test_a_pause_is_followed_by_single_calls() -> None:
    bucket = LocalBucket(interval_seconds=1.0, tolerance_seconds=9.0)

    bucket.pause(now_seconds=0.0, seconds=30)

    assert bucket.acquire(29.0) == 1.0
    assert bucket.acquire(30.0) == 0.0
    assert bucket.acquire(30.0) == 1.0


async def test_replicas_share_one_bucket(redis: Redis) -> None:
    replicas = [RedisRateLimit(redis, "shared", FAST) for _ in range(3)]

    took = await seconds_for(25, *replicas)

    assert took >= (25 - 5) * 0.01 * 0.9


async def test_a_pause_holds_every_replica(redis: Redis) -> None:
    waits = Waits()
    replica, other = RedisRateLimit(redis, "paused", FAST), RedisRateLimit(redis, "paused", FAST, sleep=waits)

    await replica.pause(3600)

    assert 3500 < await wait_before_a_call(other, waits) <= 3600


async def test_whoever_waits_can_tell_for_how_long(redis: Redis) -> None:
    rate_limit = RedisRateLimit(redis, "held", FAST)
    assert rate_limit.wait_seconds == 0.0
    await rate_limit.pause(3600)

    waiting = asyncio.ensure_future(rate_limit.acquire())
    await asyncio.sleep(0)

    assert 3500 < rate_limit.wait_seconds <= 3600
    waiting.cancel()


async def test_a_flushed_redis_grants_nothing_twice(redis: Redis) -> None:
    waits, hourly = Waits(), RateLimitSettings(per_minute=1 / 60, burst=5)
    rate_limit = RedisRateLimit(redis, "flushed", hourly, sleep=waits)
    for _ in range(hourly.burst):
        await rate_limit.acquire()

    await redis.flushall()

    assert 3500 < await wait_before_a_call(rate_limit, waits) <= 3600


async def test_without_redis_each_process_keeps_to_a_cautious_share() -> None:
    nowhere = RedisSettings(url=SecretStr("redis://127.0.0.1:1"))
    rate_limits = RateLimits(nowhere, RateLimitSettings(per_minute=3000, burst=5))

    took = await seconds_for(4, rate_limits.of("alone"))

    await rate_limits.close()
    assert took >= 3 * 4 * 0.02 * 0.9


async def test_a_name_always_means_the_same_bucket(redis_settings: RedisSettings) -> None:
    rate_limits = RateLimits(redis_settings, FAST)

    assert rate_limits.of("one") is rate_limits.of("one")
    await rate_limits.close()
