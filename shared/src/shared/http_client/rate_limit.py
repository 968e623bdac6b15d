"""A provider's rate limit, shared by every replica: one bucket in Redis for each integration.

The bucket is one number (*generic cell rate algorithm*): the moment up to which calls are paid for. A call
is allowed while that lies no further ahead of now than the burst. Redis is for what may be lost, so each
process keeps the same number for its own calls and obeys both: a flushed Redis grants nothing twice to one
process, and while Redis is away each process keeps to a cautious share.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from pydantic import BaseModel, ConfigDict, Field
from redis.asyncio import Redis
from redis.exceptions import RedisError

from shared.runtime.attempt import propagate_cancellation
from shared.runtime.settings import RedisSettings

log = structlog.get_logger()

_PATIENCE = 2.0
_CAUTION = 4
"""Without Redis a process takes this part of the rate, and no burst: up to four replicas stay within it."""

# KEYS[1] the paid-for moment in µs. ARGV: µs a call costs, µs of burst. Returns µs to wait; 0 means granted.
_SPEND = """
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

# A pause leaves the bucket empty: what follows it comes one by one. ARGV: µs to pause, µs of burst.
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
    def cost(self) -> float:
        """Seconds of the budget that one call uses up."""
        return 60 / self.per_minute

    @property
    def ahead(self) -> float:
        """How many seconds of the budget may be used up at once, beside the call itself."""
        return (self.burst - 1) * self.cost


@dataclass(slots=True)
class LocalBucket:
    """The same bucket for one process: times in seconds of its own clock; pure."""

    cost: float
    ahead: float
    paid: float = 0.0

    def spend(self, now: float) -> float:
        """Seconds to wait before asking again; 0 means that the call is granted."""
        paid = max(self.paid, now)
        wait = paid - self.ahead - now
        if wait > 0:
            return wait
        self.paid = paid + self.cost
        return 0.0

    def pause(self, now: float, seconds: float) -> None:
        self.paid = max(self.paid, now + seconds + self.ahead)


class RedisRateLimit:
    """The calls of one integration; `spend` before each, `pause` when the provider says so."""

    def __init__(
        self,
        redis: "Redis",
        name: str,
        settings: RateLimitSettings,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._key, self._settings, self._sleep = f"budget:{name}", settings, sleep
        self._spend, self._pause = redis.register_script(_SPEND), redis.register_script(_PAUSE)
        self._terms = [_micro(settings.cost), _micro(settings.ahead)]
        self._own = LocalBucket(settings.cost, settings.ahead)
        self._alone = LocalBucket(settings.cost * _CAUTION, 0.0)
        self._free_at = 0.0

    @property
    def held_for(self) -> float:
        """Seconds until whoever waits in here may call."""
        return max(0.0, self._free_at - asyncio.get_running_loop().time())

    async def spend(self) -> None:
        """Wait until one call may be made."""
        # Our own count first: it asks nobody, and holds when Redis has forgotten.
        await self._granted(lambda: self._here(self._own))
        await self._granted(self._everywhere)

    async def pause(self, seconds: float) -> None:
        """Let nobody call for so long: the provider said so."""
        now = asyncio.get_running_loop().time()
        # Remembered here even if Redis is away: it is this process that was told to stop.
        self._own.pause(now, seconds)
        self._alone.pause(now, seconds)
        try:
            await self._pause([self._key], [_micro(seconds), _micro(self._settings.ahead)])
        except (RedisError, OSError) as error:
            log.warning("budget_not_shared", budget=self._key, error=str(error))

    async def _granted(self, ask: Callable[[], Awaitable[float]]) -> None:
        while wait := await ask():
            self._free_at = asyncio.get_running_loop().time() + wait
            await self._sleep(wait)

    async def _here(self, pace: LocalBucket) -> float:
        return pace.spend(asyncio.get_running_loop().time())

    async def _everywhere(self) -> float:
        """Never unlimited: without Redis this process goes on at its cautious share."""
        try:
            async with asyncio.timeout(_PATIENCE):
                waiting = await propagate_cancellation(self._spend([self._key], self._terms))
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("budget_not_shared", budget=self._key, error=str(error))
            return await self._here(self._alone)
        return int(waiting) / 1_000_000


class RateLimits:
    """The buckets of every integration, in one Redis."""

    def __init__(self, redis: RedisSettings, settings: RateLimitSettings) -> None:
        self._redis: Redis = Redis.from_url(
            redis.url.get_secret_value(), socket_timeout=_PATIENCE, socket_connect_timeout=_PATIENCE
        )
        self._settings = settings
        self._known: dict[str, RedisRateLimit] = {}

    def of(self, name: str) -> RedisRateLimit:
        """One and the same bucket for a name, so that this process also keeps its own count."""
        return self._known.setdefault(name, RedisRateLimit(self._redis, name, self._settings))

    async def close(self) -> None:
        await self._redis.aclose()


def _micro(seconds: float) -> int:
    return round(seconds * 1_000_000)
