"""The outbox: messages are saved with the state that they tell of, and sent afterwards, at least once."""

# Invariant: a message is sent if and only if the transaction that saved it was committed. A crash
#
#   in the transaction            leaves neither state nor message
#   after it, before the wake-up  leaves the row; the relay finds it by polling
#   after sending                 leaves the row; it is sent again under the same `ce_id`
#
# Messages are sent in the order of `seq`, the nanosecond of `add`. One relay per service is at work, by
# lease, and reads the rows only once it leads: the relay before it may have sent rows that were read earlier,
# and an older state would follow a newer one.

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
from shared.runtime.leader import Leader
from shared.runtime.leases import Lease, Leases

log = structlog.get_logger()

_COLLECTION = "outbox"
_BATCH_SIZE = 500
_LEASE_TTL = timedelta(seconds=15)
_POLL_INTERVAL = timedelta(milliseconds=500)

OUTBOX_INDEXES = (Index(_COLLECTION, [("seq", 1)]),)


class Outbox:
    """Saves messages inside a transaction, and wakes the relay after it."""

    def __init__(self, mongo: Mongo, source: str) -> None:
        self._rows, self._source = mongo.all_tenants(_COLLECTION), source
        self.woken = asyncio.Event()
        """The relay of this process waits for it between two polls."""

    async def add(
        self, messages: Sequence[Message], *, session: Session, correlation_id: str | None = None
    ) -> None:
        """Saves messages in the transaction of the state that they tell of, in order."""
        first_seq = time.time_ns()
        rows = [
            _row(envelope_of(message, source=self._source, correlation_id=correlation_id), first_seq + index)
            for index, message in enumerate(messages)
        ]
        await self._rows.insert_many(rows, session=session)

    def wake(self) -> None:
        """Makes the relay send now, not at its next poll; call it after the commit."""
        self.woken.set()


class Sender(Protocol):
    """What the relay sends through (`Publisher`); `deadline` is a moment of the loop's clock, in seconds."""

    async def send(self, envelopes: Sequence[Envelope], *, deadline: float | None = None) -> None: ...


class Relay:
    """Sends what the outbox holds, oldest first."""

    def __init__(self, mongo: Mongo, sender: Sender, outbox: Outbox) -> None:
        self._rows, self._sender = mongo.all_tenants(_COLLECTION), sender
        self._leader, self._outbox = Leader(Leases(mongo), "outbox-relay", _LEASE_TTL), outbox

    def job(self) -> Job:
        """Builds the job that polls; polling finds every row, and being woken only makes it quick."""
        return Job("relay", self.step, _POLL_INTERVAL, wake=self._outbox.woken)

    async def step(self) -> bool:
        """Sends one batch; tells whether there may be more."""
        # Looks without a lease first: an empty outbox costs one read, and no write for leading.
        if not await self._oldest(1) or (lease := await self._leader.lease()) is None:
            return False
        rows = await self._oldest(_BATCH_SIZE)  # only now that we lead, for the order (see above)
        if rows:
            await self._send(rows, lease)
        return len(rows) == _BATCH_SIZE

    async def _oldest(self, limit: int) -> list[dict[str, Any]]:
        return await self._rows.find(sort=[("seq", 1)], limit=limit)

    async def _send(self, rows: list[dict[str, Any]], lease: Lease) -> None:
        lease.check()
        await self._sender.send([_envelope(row) for row in rows], deadline=lease.loop_deadline)
        for topic in {row["topic"] for row in rows}:
            crash_points.reached("outbox-sent", topic)
        await self._rows.remove_many(row["_id"] for row in rows)
        log.info("outbox_sent", messages=len(rows))

    async def release(self) -> None:
        """Lets another replica's relay start at once."""
        await self._leader.release()


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
