import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from redis.asyncio import Redis

from shared.errors import LongPause
from shared.http_client.rate_limit import LocalBucket, RateLimits, RateLimitSettings, RedisRateLimit
from shared.runtime.settings import RedisSettings

FAST = RateLimitSettings(per_minute=6000, burst=5)


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client: Redis = Redis.from_url(redis_url)
    await client.flushall()
    yield client
    await client.aclose()


async def long_pause_of(rate_limit: RedisRateLimit) -> float:
    """Seconds for which the bucket turns a call away; for hours, what a busy machine adds is nothing."""
    with pytest.raises(LongPause) as raised:
        await rate_limit.acquire()
    assert raised.value.retry_after is not None
    return raised.value.retry_after


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


@pytest.mark.parametrize("first", ["told", "other"])
async def test_a_pause_turns_the_calls_of_every_replica_away(redis: Redis, first: str) -> None:
    replicas = {name: RedisRateLimit(redis, "paused", FAST) for name in ("told", "other")}

    await replicas["told"].pause(3600)

    assert 3500 < await long_pause_of(replicas[first]) <= 3600


async def test_a_short_pause_is_waited_for(redis: Redis) -> None:
    replica, other = RedisRateLimit(redis, "held", FAST), RedisRateLimit(redis, "held", FAST)

    await replica.pause(0.5)

    assert await seconds_for(1, other) >= 0.4


async def test_a_flushed_redis_grants_nothing_twice(redis: Redis) -> None:
    rate_limit = RedisRateLimit(redis, "flushed", hourly := RateLimitSettings(per_minute=1 / 60, burst=5))
    for _ in range(hourly.burst):
        await rate_limit.acquire()

    await redis.flushall()

    assert 3500 < await long_pause_of(rate_limit) <= 3600


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
