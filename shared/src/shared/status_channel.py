"""The status channel: where the newest run of every integration stands, in Redis, for whoever looks.

Per tenant: a hash `status:<tenant>` with the newest document of each integration, a stream capped at about
1,000 entries `status:<tenant>:log`, and the pub/sub channel `status:<tenant>`; one script writes all three.
Which runs are held is in the hash `status:<tenant>:held`, how far the mapping has come in
`status:<tenant>:mapping`, and from there both are in each document of the integration, whoever reports it.
"""

# Invariant: a follower sees a growing `seq` of each integration, and ends up with the newest status. Its
# subscription is confirmed *before* it reads the snapshot: what is reported in between comes twice, and `seq`
# drops one. Pub/sub forgets what it cannot deliver, so the snapshot is read again every five seconds, and at
# once when a connection that was cut is subscribed again. After a flush of Redis `seq` grows all the same,
# being max(previous + 1, Redis' time in µs), and reporters report again within seconds.
#
#   subscribed   snapshot {a: 5}: yields 5   message a: 5: dropped   a: 6 is lost   snapshot {a: 6}: yields 6
#
# Anyone who reaches Redis can write there: a row or a message that is no status of this tenant is passed
# over, and so is the status of an integration beyond the most that a tenant has.

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, TypeVar

import structlog
from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
)
from redis.exceptions import RedisError

from shared.contracts.base import Outcome
from shared.errors import TransientError
from shared.limits import record_hit
from shared.limits.streams import STATUS_CHARACTERS, STATUSES_PER_TENANT
from shared.mapping_counts import MappingCounts, ShownCounts
from shared.redis_connection import connect_redis
from shared.run_hold import HeldRuns, RunHold, held_runs_json
from shared.runtime.attempt import propagate_cancellation
from shared.runtime.settings import RedisSettings
from shared.status_scripts import REPORT, SHOW_BESIDE

T = TypeVar("T")

log = structlog.get_logger()

_LARGEST_SEQ = 2**53
"""Redis' scripts count in doubles, which hold every whole number up to here."""
_LOG_ENTRIES = 1000
_HELD, _MAPPING = 3, 4
"""Which of a script's keys has what is shown beside a run's progress."""
_SNAPSHOT_INTERVAL = timedelta(seconds=5)


class RunStatus(BaseModel):
    """Where one integration's newest run stands; field names are read by dashboards."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    seq: int = Field(default=0, ge=0, le=_LARGEST_SEQ)
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
    waits_until: AwareDatetime | None = None
    """When the run goes on; None while it is going on."""
    outcome: Outcome | None = None
    """Only billing sets it, once its own reconciliation of the run is stored."""
    at: AwareDatetime = Field(default_factory=lambda: datetime.now(UTC))
    held_runs: HeldRuns = ()
    """Runs of the integration that wait for a person, the newest first; only `show_holds` sets them."""
    mapping: ShownCounts = None
    """What of the integration waits to be mapped; only `show_mapping` sets it."""


class StatusChannel:
    """Reports, and follows what others report; raises `TransientError` when Redis does not answer."""

    def __init__(self, settings: RedisSettings) -> None:
        self._redis = connect_redis(settings)
        self._report_script = self._redis.register_script(REPORT)
        self._beside_script = self._redis.register_script(SHOW_BESIDE)
        self._unreadable: dict[str, int] = {}
        """How many rows of a tenant's last snapshot were no status of it; tenants with none are left out."""

    async def report(self, status: RunStatus) -> int:
        """Makes this the integration's status, unless its run has ended; returns the `seq` that stands."""
        channel = _channel_name(status.tenant_id)
        document = status.model_dump_json(exclude={"seq", "held_runs", "mapping"})
        call = self._report_script(
            _keys(channel), [status.integration_id, document, _LOG_ENTRIES, _LARGEST_SEQ]
        )
        return int(await _answer(call, "the status channel cannot be written"))

    async def show_holds(self, tenant_id: str, integration_id: str, holds: Sequence[RunHold]) -> None:
        """Lets every status of the integration say from now on that these runs are held.

        Its newest status is told again, unless it says so already.
        """
        await self._show_beside(tenant_id, integration_id, held_runs_json(holds), _HELD)

    async def show_mapping(self, tenant_id: str, integration_id: str, counts: MappingCounts) -> None:
        """Lets every status of the integration say from now on how far its mapping has come.

        Its newest status is told again, unless it says so already.
        """
        await self._show_beside(tenant_id, integration_id, counts.model_dump_json(), _MAPPING)

    async def _show_beside(self, tenant_id: str, integration_id: str, document: str, key: int) -> None:
        call = self._beside_script(
            _keys(_channel_name(tenant_id)), [integration_id, document, _LOG_ENTRIES, _LARGEST_SEQ, key]
        )
        await _answer(call, "the status channel cannot be written")

    async def snapshot(self, tenant_id: str) -> dict[str, RunStatus]:
        """Returns the newest status of every integration, by integration id, without what is no status."""
        rows = await self._rows(_channel_name(tenant_id))
        read = {name: _read(text, tenant_id) for name, text in rows.items()}
        statuses = {name: status for name, status in read.items() if status and status.integration_id == name}
        if unreadable := len(rows) - len(statuses):
            self._unreadable[tenant_id] = unreadable
        else:
            self._unreadable.pop(tenant_id, None)
        return statuses

    async def follow(self, tenant_id: str) -> AsyncGenerator[RunStatus, None]:
        """Yields every newer status as it comes, beginning with the snapshot; none twice or backwards.

        Holds a connection of its own, which `StatusHub` shares among many. Raises `TransientError` when Redis
        is away.
        """
        last_seq: dict[str, int] = {}
        loop, interval_seconds = asyncio.get_running_loop(), _SNAPSHOT_INTERVAL.total_seconds()
        async with self._redis.pubsub() as subscription:
            await _answer(
                subscription.subscribe(_channel_name(tenant_id)), "the status channel cannot be read"
            )
            next_snapshot_seconds = loop.time() + interval_seconds
            while True:
                message = await _next_message(subscription, next_snapshot_seconds - loop.time())
                if message is None or message["type"] == "subscribe":
                    statuses = list((await self.snapshot(tenant_id)).values())
                    next_snapshot_seconds = loop.time() + interval_seconds
                else:
                    status = _read(str(message["data"]), tenant_id)
                    statuses = [status] if status else []
                for status in statuses:
                    if _is_newer(status, last_seq):
                        yield status

    def degradation(self) -> str | None:
        """Says which tenants' rows were passed over when they were last read; for `Health`."""
        if not self._unreadable:
            return None
        rows = ", ".join(f"{count} in {_channel_name(name)!r}" for name, count in self._unreadable.items())
        return f"rows that are no status are passed over: {rows}; find out who writes there, and delete them"

    async def ping(self) -> None:
        await self._redis.ping()

    async def close(self) -> None:
        await self._redis.aclose()

    async def _rows(self, name: str) -> dict[str, str]:
        """Returns the rows of a hash, which whoever writes there may have made too many to read at once."""
        rows: dict[str, str] = {}
        cursor, most = 0, STATUSES_PER_TENANT.most
        while True:
            scan: Any = self._redis.hscan(name, cursor, count=most)
            part: dict[str, str]
            cursor, part = await _answer(scan, "the status channel cannot be read")
            rows |= part
            if len(rows) > most:
                record_hit(STATUSES_PER_TENANT)
                return dict(islice(rows.items(), most))
            if not cursor:
                return rows


async def _answer(call: Awaitable[T], fault: str) -> T:
    try:
        return await propagate_cancellation(call)
    except (RedisError, OSError) as error:
        # What Redis or its driver says is for the log: the sentence may be shown to whoever asked.
        log.warning("status_channel_failed", fault=fault, error=str(error))
        raise TransientError(f"{fault}: the log of this service says why") from error


async def _next_message(subscription: Any, timeout_seconds: float) -> dict[str, Any] | None:
    """Returns the next message, a confirmation of the subscription too; None when none comes in time."""
    if timeout_seconds <= 0:
        return None
    message: dict[str, Any] | None = await _answer(
        subscription.get_message(timeout=timeout_seconds), "the status channel was cut"
    )
    return message


def _read(text: str, tenant_id: str) -> RunStatus | None:
    """Returns the status that a document states, or None when it is no status of this tenant."""
    if len(text) > STATUS_CHARACTERS.most:
        record_hit(STATUS_CHARACTERS)
        return None
    try:
        status = RunStatus.model_validate_json(text)
    except ValidationError:
        return None
    return status if status.tenant_id == tenant_id else None


def _is_newer(status: RunStatus, last_seq: dict[str, int]) -> bool:
    """Tells whether the follower has not seen this status, and remembers it as seen."""
    if status.seq <= last_seq.get(status.integration_id, 0):
        return False
    if status.integration_id not in last_seq and len(last_seq) >= STATUSES_PER_TENANT.most:
        record_hit(STATUSES_PER_TENANT)
        return False
    last_seq[status.integration_id] = status.seq
    return True


def _channel_name(tenant_id: str) -> str:
    return f"status:{tenant_id}"


def _keys(channel: str) -> list[str]:
    return [channel, f"{channel}:log", f"{channel}:held", f"{channel}:mapping"]
