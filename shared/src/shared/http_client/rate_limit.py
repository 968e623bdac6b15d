"""A provider's rate limit, shared by every replica: one bucket in Redis for each integration."""

# Invariant: in any t seconds at most `burst + t / interval` calls are granted, by all replicas together. The
# bucket is one number (*generic cell rate algorithm*, GCRA): the theoretical arrival time, up to which calls
# are paid for. A call is granted while that lies no further ahead of now than the tolerance, (burst - 1) *
# interval, and moves it on by one interval. With an interval of 1 s and a burst of 3 (tolerance 2 s):
#
#   now 0: granted (→ 1)   0: granted (→ 2)   0: granted (→ 3)   0: wait 3 - 2 - 0 = 1 s   1: granted (→ 4)
#
# A call that would have to wait for longer than `CALL_WAIT_SECONDS` is turned away with `LongPause`: whoever
# made it holds a worker. Redis may lose the number, so each process keeps it for its own calls as well and
# obeys both: a flushed Redis grants nothing twice to one process, and while Redis is away each process keeps
# to a cautious share.

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from pydantic import BaseModel, ConfigDict, Field
from redis.asyncio import Redis
from redis.exceptions import RedisError

from shared.errors import LongPause
from shared.http_client.retry import is_long
from shared.runtime.attempt import propagate_cancellation
from shared.runtime.settings import RedisSettings

log = structlog.get_logger()

_REDIS_TIMEOUT_SECONDS = 2.0
_OFFLINE_SLOWDOWN = 4
"""Without Redis a process takes a quarter of the rate and no burst: four replicas stay within the limit."""

# All times in µs. KEYS[1] holds the arrival time. ARGV: interval, tolerance. Returns the wait; 0 means
# granted. Redis' own clock is asked, because the clocks of two replicas may differ.
_ACQUIRE = """
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local paid = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
local wait = paid - tonumber(ARGV[2]) - now
if wait > 0 then
  return wait
end
local next = paid + tonumber(ARGV[1])
redis.call('SET', KEYS[1], string.format('%.0f', next), 'PX', math.ceil((next - now) / 1000) + 1000)
return 0
"""

# A pause leaves the bucket empty: the calls after it are granted one by one. ARGV: µs to pause, µs of
# tolerance.
_PAUSE = """
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local ends = now + tonumber(ARGV[1]) + tonumber(ARGV[2])
local paid = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), ends)
redis.call('SET', KEYS[1], string.format('%.0f', paid), 'PX', math.ceil((paid - now) / 1000) + 1000)
return 0
"""


class RateLimitSettings(BaseModel):
    """How fast a provider may be called; defaults from the Ingram Micro contract §5."""

    model_config = ConfigDict(frozen=True)

    per_minute: float = Field(default=50, gt=0)
    burst: int = Field(default=10, ge=1)

    @property
    def interval_seconds(self) -> float:
        """The time that one call uses up."""
        return 60 / self.per_minute

    @property
    def tolerance_seconds(self) -> float:
        """How much time may be used up in advance, beside that of the call itself."""
        return (self.burst - 1) * self.interval_seconds


@dataclass(slots=True)
class LocalBucket:
    """The same bucket for one process, without I/O; `now_seconds` is a moment of the process's own clock."""

    interval_seconds: float
    tolerance_seconds: float
    arrival_seconds: float = 0.0
    """The theoretical arrival time: the moment up to which calls are paid for."""

    def acquire(self, now_seconds: float) -> float:
        """Returns the seconds to wait before asking again; 0 means that the call is granted."""
        paid_until = max(self.arrival_seconds, now_seconds)
        wait = paid_until - self.tolerance_seconds - now_seconds
        if wait > 0:
            return wait
        self.arrival_seconds = paid_until + self.interval_seconds
        return 0.0

    def pause(self, now_seconds: float, seconds: float) -> None:
        """Grants nothing for so long, and no burst afterwards."""
        self.arrival_seconds = max(self.arrival_seconds, now_seconds + seconds + self.tolerance_seconds)


class RedisRateLimit:
    """The rate limit of one integration, a `RateLimit`."""

    def __init__(self, redis: "Redis", name: str, settings: RateLimitSettings) -> None:
        self._key = f"budget:{name}"
        self._acquire_script, self._pause_script = (
            redis.register_script(_ACQUIRE),
            redis.register_script(_PAUSE),
        )
        self._interval_us = _microseconds(settings.interval_seconds)
        self._tolerance_us = _microseconds(settings.tolerance_seconds)
        self._process_bucket = LocalBucket(settings.interval_seconds, settings.tolerance_seconds)
        self._offline_bucket = LocalBucket(settings.interval_seconds * _OFFLINE_SLOWDOWN, 0.0)

    async def acquire(self) -> None:
        """Waits until one call may be made; raises `LongPause` when it would have to wait for long."""
        # The process's own bucket first: it needs no call, and holds when Redis has forgotten.
        await self._wait_for(lambda: self._ask_local(self._process_bucket))
        await self._wait_for(self._ask_redis)

    async def pause(self, seconds: float) -> None:
        """Lets no replica call for so long, because the provider said so."""
        now = asyncio.get_running_loop().time()
        # Remembered here even if Redis is away: it is this process that was told to stop.
        self._process_bucket.pause(now, seconds)
        self._offline_bucket.pause(now, seconds)
        try:
            await self._pause_script([self._key], [_microseconds(seconds), self._tolerance_us])
        except (RedisError, OSError) as error:
            log.warning("budget_not_shared", budget=self._key, error=str(error))

    async def _wait_for(self, ask: Callable[[], Awaitable[float]]) -> None:
        while wait_seconds := await ask():
            if is_long(wait_seconds):
                sentence = f"{self._key} lets no call out for {wait_seconds:.0f} seconds"
                raise LongPause(sentence, retry_after=wait_seconds)
            await asyncio.sleep(wait_seconds)

    async def _ask_local(self, bucket: LocalBucket) -> float:
        return bucket.acquire(asyncio.get_running_loop().time())

    async def _ask_redis(self) -> float:
        """Asks the bucket in Redis; without Redis the process keeps to its cautious share."""
        call = self._acquire_script([self._key], [self._interval_us, self._tolerance_us])
        try:
            async with asyncio.timeout(_REDIS_TIMEOUT_SECONDS):
                wait_us = await propagate_cancellation(call)
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("budget_not_shared", budget=self._key, error=str(error))
            return await self._ask_local(self._offline_bucket)
        return int(wait_us) / 1_000_000


class RateLimits:
    """The rate limits of all integrations, in one Redis."""

    def __init__(self, redis: RedisSettings, settings: RateLimitSettings) -> None:
        self._redis: Redis = Redis.from_url(
            redis.url.get_secret_value(),
            socket_timeout=_REDIS_TIMEOUT_SECONDS,
            socket_connect_timeout=_REDIS_TIMEOUT_SECONDS,
        )
        self._settings = settings
        self._by_name: dict[str, RedisRateLimit] = {}

    def of(self, name: str) -> RedisRateLimit:
        """Returns one and the same rate limit for a name, so that this process's own bucket is one too."""
        return self._by_name.setdefault(name, RedisRateLimit(self._redis, name, self._settings))

    async def close(self) -> None:
        await self._redis.aclose()


def _microseconds(seconds: float) -> int:
    return round(seconds * 1_000_000)
