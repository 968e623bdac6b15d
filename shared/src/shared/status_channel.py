"""The status channel: where every open run stands, in Redis, for whoever looks.

Per tenant: a hash `status:<tenant>` with the newest document of each integration, a capped stream
`status:<tenant>:log`, and the pub/sub channel `status:<tenant>`. Written together in one script. Redis may
be flushed at any time: reporters push again within seconds, and readers notice by the snapshot.
"""

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

_LOG_LENGTH = 1000
_PATIENCE = 5.0
_LOOK_AGAIN = 5.0

# seq = max(previous + 1, Redis time in µs): after a flush it still grows, so readers are never silenced.
# A run that has its outcome is not reopened by a late progress report of the same run.
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
    """Where one integration's newest run stands."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    seq: int = 0
    """Grows with every report of an integration; set by the channel itself."""
    tenant_id: str
    integration_id: str
    run_id: str
    sync_id: str
    phase: str
    done: int = 0
    total: int | None = None
    outcome: Outcome | None = None
    """Only billing sets it, once its own reconciliation of the run is stored."""
    at: AwareDatetime = Field(default_factory=lambda: datetime.now(UTC))


class StatusChannel:
    """Reports and follows; raises `TransientError` when Redis does not answer."""

    def __init__(self, settings: RedisSettings) -> None:
        self._redis: Redis = Redis.from_url(
            settings.url.get_secret_value(),
            decode_responses=True,
            socket_timeout=_PATIENCE,
            socket_connect_timeout=_PATIENCE,
        )
        self._report = self._redis.register_script(_REPORT)

    async def report(self, status: RunStatus) -> int:
        """Make this the integration's status; returns its `seq`."""
        place = _place(status.tenant_id)
        text = status.model_dump_json(exclude={"seq"})
        try:
            said = self._report([place, f"{place}:log"], [status.integration_id, text, _LOG_LENGTH])
            return int(await propagate_cancellation(said))
        except (RedisError, OSError) as error:
            raise TransientError(f"the status channel cannot be written: {error}") from error

    async def snapshot(self, tenant_id: str) -> dict[str, RunStatus]:
        """The newest status of every integration, by integration id."""
        try:
            rows = await propagate_cancellation(self._redis.hgetall(_place(tenant_id)))
        except (RedisError, OSError) as error:
            raise TransientError(f"the status channel cannot be read: {error}") from error
        return {str(name): RunStatus.model_validate_json(text) for name, text in rows.items()}

    async def follow(
        self, tenant_id: str, *, lifetime: timedelta = timedelta.max
    ) -> AsyncGenerator[RunStatus, None]:
        """Every newer status as it comes, beginning with the snapshot; never one twice or backwards.

        Subscribes before it reads the snapshot, and looks at the snapshot again every five seconds, so that
        a message lost in a reconnect is made good. Ends at the first look after `lifetime`. Raises
        `TransientError` when Redis stays away.
        """
        seen: dict[str, int] = {}
        clock = asyncio.get_running_loop()
        until = clock.time() + lifetime.total_seconds()
        async with self._redis.pubsub(ignore_subscribe_messages=True) as channel:
            await _joined(channel, _place(tenant_id))
            while clock.time() < until:
                for status in (await self.snapshot(tenant_id)).values():
                    if _newer(status, seen):
                        yield status
                async for status in _until_next_look(channel):
                    if _newer(status, seen):
                        yield status

    async def ping(self) -> None:
        await self._redis.ping()

    async def close(self) -> None:
        await self._redis.aclose()


async def _joined(channel: Any, name: str) -> None:
    try:
        await propagate_cancellation(channel.subscribe(name))
    except (RedisError, OSError) as error:
        raise TransientError(f"the status channel cannot be read: {error}") from error


async def _until_next_look(channel: Any) -> AsyncIterator[RunStatus]:
    clock = asyncio.get_running_loop()
    until = clock.time() + _LOOK_AGAIN
    while (left := until - clock.time()) > 0:
        try:
            message = await propagate_cancellation(channel.get_message(timeout=left))
        except (RedisError, OSError) as error:
            raise TransientError(f"the status channel was cut: {error}") from error
        if message is not None:
            with suppress(ValidationError, json.JSONDecodeError):  # anyone may write to a channel
                yield RunStatus.model_validate_json(message["data"])


def _newer(status: RunStatus, seen: dict[str, int]) -> bool:
    if status.seq <= seen.get(status.integration_id, 0):
        return False
    seen[status.integration_id] = status.seq
    return True


def _place(tenant_id: str) -> str:
    return f"status:{tenant_id}"
