"""Reads the news that people who look at a page are told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager

from pydantic import SecretStr

from shared.news_channel import News, NewsChannel
from shared.redis_connection import connect_redis
from shared.runtime.settings import RedisSettings


class NewsLog:
    """Takes news in place of a channel, and keeps it in order."""

    def __init__(self) -> None:
        self.told: list[News] = []

    def __call__(self, _tenant_id: str, news: Iterable[News]) -> None:
        self.told += news

    def take(self) -> list[tuple[str, str, str]]:
        """Returns kind, id and state of what was told since the last call."""
        told, self.told = self.told, []
        return [(one.kind.value, one.id, one.state) for one in told]


NextNews = Callable[[], Awaitable[News]]


def no_news() -> NewsChannel:
    """Returns a channel to a Redis that is not there."""
    return NewsChannel(RedisSettings(url=SecretStr("redis://127.0.0.1:1")))


@asynccontextmanager
async def reading_news(settings: RedisSettings, tenant_id: str) -> AsyncIterator[NextNews]:
    """Yields what waits for the next news of a tenant; news is heard from then on."""
    redis = connect_redis(settings)
    async with redis.pubsub() as subscription:
        await subscription.subscribe(f"news:{tenant_id}")
        confirmed = await subscription.get_message(timeout=60)
        assert confirmed is not None

        async def following() -> News:
            async with asyncio.timeout(60):
                while not (told := await subscription.get_message(ignore_subscribe_messages=True, timeout=1)):
                    pass
            return News.model_validate_json(told["data"])

        yield following
    await redis.aclose()
