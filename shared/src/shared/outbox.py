"""The outbox: what is said is saved with what is done, and sent afterwards, at least once."""

import asyncio
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Protocol

import structlog

from shared.contracts import Message
from shared.kafka import Envelope, envelope_of
from shared.mongo import Index, Mongo, Session
from shared.runtime import crash_points
from shared.runtime.jobs import Job
from shared.runtime.leases import Lease, Leases

log = structlog.get_logger()

_COLLECTION = "outbox"
_AT_ONCE = 500
_TTL = timedelta(seconds=15)

OUTBOX_INDEXES = (Index(_COLLECTION, [("seq", 1)]),)


class Outbox:
    """Takes messages inside a transaction; `wake` tells the relay without making it the only way."""

    def __init__(self, mongo: Mongo, source: str) -> None:
        self._rows, self._source = mongo.all_tenants(_COLLECTION), source
        self.woken = asyncio.Event()

    async def add(
        self, messages: Sequence[Message], *, session: Session, correlation_id: str | None = None
    ) -> None:
        """Save messages with the state that they tell of; they keep their order for each key."""
        start = time.time_ns()
        rows = [
            _row(envelope_of(message, source=self._source, correlation_id=correlation_id), start + place)
            for place, message in enumerate(messages)
        ]
        await self._rows.insert_many(rows, session=session)

    def wake(self) -> None:
        """Call after the commit: the relay sends now instead of at its next look."""
        self.woken.set()


class Sender(Protocol):
    """What the relay sends through: `shared.kafka.Publisher`."""

    async def send(self, envelopes: Sequence[Envelope], *, deadline: float | None = None) -> None: ...


class Relay:
    """Sends what the outbox holds, oldest first; one relay per service is at work at a time."""

    def __init__(self, mongo: Mongo, sender: Sender, outbox: Outbox) -> None:
        self._rows, self._sender = mongo.all_tenants(_COLLECTION), sender
        self._leases, self._outbox = Leases(mongo), outbox
        self._lease: Lease | None = None

    def job(self) -> Job:
        """Polling is the truth; being woken only makes it quick."""
        return Job("relay", self.step, timedelta(milliseconds=500), wake=self._outbox.woken)

    async def step(self) -> bool:
        """Send some; tells whether there may be more."""
        if not await self._oldest(1) or (lease := await self._leading()) is None:
            return False
        # Read only now: what the relay before us has sent must not be sent again behind what came after it.
        rows = await self._oldest(_AT_ONCE)
        if rows:
            await self._send(rows, lease)
        return len(rows) == _AT_ONCE

    async def _oldest(self, limit: int) -> list[dict[str, Any]]:
        return await self._rows.find(sort=[("seq", 1)], limit=limit)

    async def _leading(self) -> Lease | None:
        """Renew in good time, so that one look does not cost one write."""
        lease = self._lease
        if lease is None or time.monotonic() >= lease.deadline:
            self._lease = await self._leases.take("outbox-relay", _TTL)
        elif time.monotonic() >= lease.deadline - lease.ttl.total_seconds() / 2:
            self._lease = None
            await lease.renew()
            self._lease = lease
        return self._lease

    async def _send(self, rows: list[dict[str, Any]], lease: Lease) -> None:
        lease.check()
        await self._sender.send([_envelope(row) for row in rows], deadline=lease.loop_deadline)
        for topic in {row["topic"] for row in rows}:
            crash_points.reached("outbox-sent", topic)
        await self._rows.remove_many(row["_id"] for row in rows)
        log.info("outbox_sent", messages=len(rows))

    async def release(self) -> None:
        """Let another replica's relay start at once."""
        if self._lease:
            await self._lease.release()


def _row(envelope: Envelope, seq: int) -> dict[str, Any]:
    return {
        "_id": envelope.headers["ce_id"],
        "seq": seq,
        "topic": envelope.topic,
        "key": envelope.key,
        "body": envelope.body,
        "headers": dict(envelope.headers),
    }


def _envelope(row: dict[str, Any]) -> Envelope:
    return Envelope(row["topic"], row["key"], bytes(row["body"]), row["headers"])
