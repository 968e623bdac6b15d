"""The status channel: where the newest run of every integration stands, in Redis, for whoever looks.

Per tenant: a hash `status:<tenant>` with the newest document of each integration, a stream capped at about
1,000 entries `status:<tenant>:log`, and the pub/sub channel `status:<tenant>`; one script writes all three.
"""

# Invariant: a follower sees a growing `seq` of each integration, and ends up with the newest status. It
# subscribes *before* it reads the snapshot: what is reported in between comes twice, and `seq` drops one.
# Pub/sub forgets what it cannot deliver, so the snapshot is read again every five seconds. After a flush of
# Redis `seq` grows all the same, being max(previous + 1, Redis' time in µs), and reporters report again
# within seconds.
#
#   subscribe   snapshot {a: 5}: yields 5   message a: 5: dropped   a: 6 is lost   snapshot {a: 6}: yields 6

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from shared.contracts.base import Outcome
from shared.errors import TransientError
from shared.runtime.attempt import propagate_cancellation
from shared.runtime.settings import RedisSettings

_LOG_ENTRIES = 1000
_REDIS_TIMEOUT = timedelta(seconds=5)
_SNAPSHOT_INTERVAL = timedelta(seconds=5)

# A run that has its outcome is not reopened by a late progress report of the same run. The new `seq` is
# put in front of the document's text, which stays as the reporter wrote it: encoding it anew would change
# its numbers.
_REPORT = """
local known = redis.call('HGET', KEYS[1], ARGV[1])
local document = cjson.decode(ARGV[2])
local previous = 0
if known then
  local old = cjson.decode(known)
  previous = tonumber(old.seq)
  local ended = old.run_id == document.run_id and type(old.outcome) == 'string'
  if ended and type(document.outcome) ~= 'string' then
    return previous
  end
end
local now = redis.call('TIME')
local seq = math.max(previous + 1, tonumber(now[1]) * 1000000 + tonumber(now[2]))
local text = string.format('{"seq":%.0f,%s', seq, string.sub(ARGV[2], 2))
redis.call('HSET', KEYS[1], ARGV[1], text)
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], '*', 'document', text)
redis.call('PUBLISH', KEYS[1], text)
return seq
"""


class RunStatus(BaseModel):
    """Where one integration's newest run stands; field names are read by dashboards."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    seq: int = 0
    """Grows with every report of an integration; set by the channel itself."""
    tenant_id: str
    integration_id: str
    run_id: str
    sync_id: str
    phase: str
    """What the run is doing, in words for people."""
    done: int = 0
    """Items of the phase that are done."""
    total: int | None = None
    """Items of the phase altogether; None while it is not known."""
    outcome: Outcome | None = None
    """Only billing sets it, once its own reconciliation of the run is stored."""
    at: AwareDatetime = Field(default_factory=lambda: datetime.now(UTC))


class StatusChannel:
    """Reports, and follows what others report; raises `TransientError` when Redis does not answer."""

    def __init__(self, settings: RedisSettings) -> None:
        self._redis: Redis = Redis.from_url(
            settings.url.get_secret_value(),
            decode_responses=True,
            socket_timeout=_REDIS_TIMEOUT.total_seconds(),
            socket_connect_timeout=_REDIS_TIMEOUT.total_seconds(),
        )
        self._report_script = self._redis.register_script(_REPORT)

    async def report(self, status: RunStatus) -> int:
        """Makes this the integration's status, unless its run has ended; returns the `seq` that stands."""
        channel = _channel_name(status.tenant_id)
        document = status.model_dump_json(exclude={"seq"})
        try:
            call = self._report_script(
                [channel, f"{channel}:log"], [status.integration_id, document, _LOG_ENTRIES]
            )
            return int(await propagate_cancellation(call))
        except (RedisError, OSError) as error:
            raise TransientError(f"the status channel cannot be written: {error}") from error

    async def snapshot(self, tenant_id: str) -> dict[str, RunStatus]:
        """Returns the newest status of every integration, by integration id."""
        try:
            rows = await propagate_cancellation(self._redis.hgetall(_channel_name(tenant_id)))
        except (RedisError, OSError) as error:
            raise TransientError(f"the status channel cannot be read: {error}") from error
        return {str(name): RunStatus.model_validate_json(text) for name, text in rows.items()}

    async def follow(
        self, tenant_id: str, *, lifetime: timedelta = timedelta.max
    ) -> AsyncGenerator[RunStatus, None]:
        """Yields every newer status as it comes, beginning with the snapshot; none twice or backwards.

        Ends at the first snapshot after `lifetime`. Raises `TransientError` when Redis is away.
        """
        last_seq: dict[str, int] = {}
        loop = asyncio.get_running_loop()
        until = loop.time() + lifetime.total_seconds()
        async with self._redis.pubsub(ignore_subscribe_messages=True) as subscription:
            try:
                await propagate_cancellation(subscription.subscribe(_channel_name(tenant_id)))
            except (RedisError, OSError) as error:
                raise TransientError(f"the status channel cannot be read: {error}") from error
            while loop.time() < until:
                for status in (await self.snapshot(tenant_id)).values():
                    if _is_newer(status, last_seq):
                        yield status
                async for status in _messages_until_next_snapshot(subscription):
                    if _is_newer(status, last_seq):
                        yield status

    async def ping(self) -> None:
        await self._redis.ping()

    async def close(self) -> None:
        await self._redis.aclose()


async def _messages_until_next_snapshot(subscription: Any) -> AsyncIterator[RunStatus]:
    loop = asyncio.get_running_loop()
    until = loop.time() + _SNAPSHOT_INTERVAL.total_seconds()
    while (left_seconds := until - loop.time()) > 0:
        try:
            message = await propagate_cancellation(subscription.get_message(timeout=left_seconds))
        except (RedisError, OSError) as error:
            raise TransientError(f"the status channel was cut: {error}") from error
        if message is not None:
            with suppress(ValidationError, json.JSONDecodeError):  # anyone may write to a channel
                yield RunStatus.model_validate_json(message["data"])


def _is_newer(status: RunStatus, last_seq: dict[str, int]) -> bool:
    """Tells whether the follower has not seen this status, and remembers it as seen."""
    if status.seq <= last_seq.get(status.integration_id, 0):
        return False
    last_seq[status.integration_id] = status.seq
    return True


def _channel_name(tenant_id: str) -> str:
    return f"status:{tenant_id}"
