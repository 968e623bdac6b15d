from collections.abc import AsyncIterator

import httpx
import pytest
from console_env import browser_of_a_console

from shared.limits.streams import STREAMS_PER_PROCESS
from shared.runtime.settings import RedisSettings
from shared.status_channel import StatusChannel


@pytest.fixture
async def browser(redis_settings: RedisSettings) -> AsyncIterator[httpx.AsyncClient]:
    """Of a console that holds one stream open."""
    async with browser_of_a_console(redis_settings, events_at_once=1) as client:
        yield client


@pytest.fixture
async def roomy_browser(redis_settings: RedisSettings) -> AsyncIterator[httpx.AsyncClient]:
    """Of a console that holds as many streams open as in production."""
    async with browser_of_a_console(redis_settings, events_at_once=STREAMS_PER_PROCESS.most) as client:
        yield client


@pytest.fixture
async def status_channel(redis_settings: RedisSettings) -> AsyncIterator[StatusChannel]:
    channel = StatusChannel(redis_settings)
    yield channel
    await channel.close()
