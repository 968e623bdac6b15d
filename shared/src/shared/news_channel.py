"""News for people who look at a page: what was just decided or changed, over Redis, at once or never.

One channel for each tenant, `news:<tenant>`; a message is a JSON object of `kind`, `id`, `state` and `at`.
Some may be lost: whoever shows it asks over HTTP for what is true.
"""

# Invariant: nobody waits for Redis, and nothing fails by it. News is put down in memory after the commit that
# made it, and a job sends it; what cannot be sent is dropped, for soon it would be no news. While Redis is
# away the service is degraded and goes on:
#
#   decided, committed   announce: put down, returns at once   job: sent
#   Redis away           announce: put down, returns at once   job: dropped, degraded until Redis answers

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from datetime import timedelta
from enum import StrEnum

import structlog
from pydantic import AwareDatetime, BaseModel, ConfigDict
from redis.exceptions import RedisError

from shared.redis_connection import connect_redis
from shared.runtime.attempt import propagate_cancellation
from shared.runtime.jobs import Job
from shared.runtime.settings import RedisSettings

log = structlog.get_logger()

_MOST_WAITING = 10_000
"""Beyond it the oldest is dropped: so much at once is a machine's work, of which nobody reads each line."""
_MESSAGES_PER_STEP = 500
_PING_INTERVAL = timedelta(seconds=5)


class NewsKind(StrEnum):
    """What there is news of."""

    APPROVAL = "approval"
    BATCH = "batch"
    MAPPING = "mapping"
    INTEGRATION = "integration"
    HOLD = "hold"


class News(BaseModel):
    """One thing that changed; field names are read by dashboards."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: NewsKind
    id: str
    """Names the thing as the service that announces it does over HTTP."""
    state: str
    """What it is now."""
    at: AwareDatetime
    """Since when."""


Announce = Callable[[str, Iterable[News]], None]
"""Takes a tenant and its news; it neither waits nor raises (`NewsChannel.announce`)."""


def announce_nothing(tenant_id: str, news: Iterable[News]) -> None:
    """Tells nobody: for whoever runs a use case beside the services."""


class NewsChannel:
    """Sends news; `job()` must run for it."""

    def __init__(self, settings: RedisSettings) -> None:
        self._redis = connect_redis(settings)
        self._waiting: deque[tuple[str, str]] = deque(maxlen=_MOST_WAITING)
        """Channel and message, the oldest first."""
        self._wake = asyncio.Event()
        self._fault: str | None = None
        """Why Redis could not be reached when it was last tried."""

    def announce(self, tenant_id: str, news: Iterable[News]) -> None:
        """Puts news down to be sent soon; neither waits nor raises."""
        self._waiting.extend((f"news:{tenant_id}", one.model_dump_json()) for one in news)
        self._wake.set()

    def job(self) -> Job:
        """Builds the job that sends."""
        return Job("news", self.step, _PING_INTERVAL, wake=self._wake)

    async def step(self) -> bool:
        """Sends some of what waits, or asks whether Redis is there; tells whether more waits."""
        count = min(len(self._waiting), _MESSAGES_PER_STEP)
        messages = [self._waiting.popleft() for _ in range(count)]
        try:
            await propagate_cancellation(self._send(messages))
        except (RedisError, OSError) as error:
            self._note_fault(str(error), len(messages))
        else:
            self._fault = None
        return bool(self._waiting)

    def degradation(self) -> str | None:
        """Returns that nobody is told of changes, as a sentence; None while Redis answers."""
        if self._fault is None:
            return None
        return f"Redis does not answer ({self._fault}): pages show changes only when they are loaded again"

    async def close(self) -> None:
        await self._redis.aclose()

    async def _send(self, messages: Iterable[tuple[str, str]]) -> None:
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.ping()
            for channel, message in messages:
                pipeline.publish(channel, message)
            await pipeline.execute()

    def _note_fault(self, fault: str, unsent: int) -> None:
        dropped = unsent + len(self._waiting)
        self._waiting.clear()
        if dropped or self._fault is None:
            log.warning("news_dropped", messages=dropped, error=fault)
        self._fault = fault
