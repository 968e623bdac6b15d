"""News reaches whoever listens, and nobody waits for it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from shared.news_channel import News, NewsChannel, NewsKind
from shared.redis_connection import connect_redis
from shared.runtime.settings import RedisSettings

NOW = datetime(2026, 11, 30, 9, tzinfo=UTC)


def news_of(id_: str) -> News:
    return News(kind=NewsKind.MAPPING, id=id_, state="approved", at=NOW)


@pytest.fixture
async def channel(redis_settings: RedisSettings) -> AsyncIterator[NewsChannel]:
    channel = NewsChannel(redis_settings)
    yield channel
    await channel.close()


@pytest.fixture
async def nowhere() -> AsyncIterator[NewsChannel]:
    channel = NewsChannel(RedisSettings.model_validate({"url": "redis://127.0.0.1:1"}))
    yield channel
    await channel.close()


async def test_a_listener_hears_the_news_of_its_tenant_in_order(
    channel: NewsChannel, redis_settings: RedisSettings
) -> None:
    ours, theirs = uuid4().hex, uuid4().hex
    redis = connect_redis(redis_settings)
    async with redis.pubsub() as subscription:
        await subscription.subscribe(f"news:{ours}")
        channel.announce(theirs, [news_of("other")])
        channel.announce(ours, [news_of("1"), news_of("2")])
        await channel.step()
        heard: list[News] = []
        async with asyncio.timeout(60):
            while len(heard) < 2:
                message = await subscription.get_message(ignore_subscribe_messages=True, timeout=1)
                heard += [News.model_validate_json(message["data"])] if message else []
    await redis.aclose()

    assert heard == [news_of("1"), news_of("2")]
    assert channel.degradation() is None


async def test_more_than_a_step_takes_is_sent_by_the_next(channel: NewsChannel) -> None:
    channel.announce("t", [news_of(str(number)) for number in range(501)])

    assert (await channel.step(), await channel.step()) == (True, False)


async def test_without_redis_news_is_dropped_and_said_to_be(nowhere: NewsChannel) -> None:
    nowhere.announce("t", [news_of(str(number)) for number in range(600)])

    with capture_logs() as logged:
        more = await nowhere.step()

    assert not more
    assert [entry["messages"] for entry in logged if entry["event"] == "news_dropped"] == [600]
    assert "Redis does not answer" in str(nowhere.degradation())


async def test_without_redis_a_quiet_service_knows_it_too(nowhere: NewsChannel) -> None:
    await nowhere.step()

    assert nowhere.degradation() is not None


async def test_what_nobody_sends_does_not_fill_the_memory(nowhere: NewsChannel) -> None:
    for number in range(11_000):
        nowhere.announce("t", [news_of(str(number))])

    with capture_logs() as logged:
        await nowhere.step()

    assert [entry["messages"] for entry in logged if entry["event"] == "news_dropped"] == [10_000]
