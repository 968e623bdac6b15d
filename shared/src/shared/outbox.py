"""The outbox: messages are saved with the state that they tell of, and sent afterwards, at least once."""

# Invariant: a message is sent if and only if the transaction that saved it was committed. A crash
#
#   in the transaction            leaves neither state nor message
#   after it, before the wake-up  leaves the row; the relay finds it by polling
#   after sending                 leaves the row; it is sent again under the same `ce_id`
#
# Messages of one key are sent in the order in which their transactions were committed, whatever the clocks of
# the replicas say. `seq` is taken in the transaction from a counter of the tenant, which has all keys of the
# message's: two transactions that move one counter conflict, so the second waits for the first to be
# committed. A counter for each key would be as good, and twice the writes. It moves to the time of the store,
# in nanoseconds, where that is larger: only so that tenants are served about in the order of time.
#
#   counter 40   A: 40 → 42, rows 41 42   B: conflict, again after A's commit: 42 → 43, row 43
#
# Rows of releases that took `seq` from a clock carry no `counted`, and go first. One relay per service is at
# work, by lease, and reads the rows only once it leads: the relay before it may have sent rows that were read
# earlier, and an older state would follow a newer one. A message that Kafka will never take is set aside with
# its reason (`shared.undeliverable`), so that it holds up no other:
#
#   outbox [A, B 3 MB, C]   sent together: refused   → one by one: A sent, B set aside, C sent

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from contextlib import aclosing
from datetime import timedelta
from typing import Any, Protocol

import structlog

from shared.contracts import Message
from shared.errors import Conflict, PermanentError, TransientError
from shared.kafka import Envelope, envelope_of
from shared.mongo import Document, Index, Mongo, Session, begun_again
from shared.runtime import crash_points
from shared.runtime.attempt import attempt
from shared.runtime.clock import monotonic_seconds
from shared.runtime.jobs import Job
from shared.runtime.leader import Leader
from shared.runtime.leases import Lease, Leases
from shared.undeliverable import UndeliverableHandler, UndeliverableMessages, message_of

log = structlog.get_logger()

_COLLECTION, _COUNTERS = "outbox", "outbox_counters"
_ORDER = [("counted", 1), ("seq", 1)]
_BATCH_SIZE, _BATCH_BYTES = 500, 8_000_000
_STORE_NANOSECONDS = {"$multiply": [{"$toLong": "$$NOW"}, 1_000_000]}
_LEASE_TTL = timedelta(seconds=15)
_POLL_INTERVAL = timedelta(milliseconds=500)
_COUNT_INTERVAL = timedelta(seconds=10)
"""How soon a replica sees what another one, or an operator, did with messages that were set aside."""
_REPLACES = "x-replaces"
"""The header of a message that goes out in place of one that was set aside."""

OUTBOX_INDEXES = (Index(_COLLECTION, _ORDER),)


class Outbox:
    """Saves messages inside a transaction, and wakes the relay after it."""

    def __init__(self, mongo: Mongo, source: str) -> None:
        self._rows, self._counters = mongo.all_tenants(_COLLECTION), mongo.all_tenants(_COUNTERS)
        self.source = source
        self.woken = asyncio.Event()
        """The relay of this process waits for it between two polls."""

    async def add(
        self, messages: Sequence[Message], *, session: Session, correlation_id: str | None = None
    ) -> None:
        """Saves messages in the transaction of the state that they tell of, in order.

        As late in it as can be: from here on it keeps other transactions of the tenant waiting.
        """
        rows = await self.rows_of(messages, session=session, correlation_id=correlation_id)
        await self._rows.insert_many(rows, session=session)

    async def rows_of(
        self,
        messages: Sequence[Message],
        *,
        session: Session,
        correlation_id: str | None = None,
        **more_headers: str,
    ) -> list[Document]:
        """Returns the rows to save for messages, which take their places in the order now."""
        by_tenant: defaultdict[str, list[Message]] = defaultdict(list)
        for message in messages:
            by_tenant[message.tenant_id].append(message)
        rows = []
        for tenant_id in sorted(by_tenant):  # in one order, so that no two transactions wait for each other
            own = by_tenant[tenant_id]
            first_seq = await self._take(tenant_id, len(own), session) - len(own) + 1
            for seq, message in enumerate(own, first_seq):
                envelope = envelope_of(message, source=self.source, correlation_id=correlation_id)
                rows.append(_row(envelope, seq, **more_headers))
        return rows

    async def _take(self, tenant_id: str, count: int, session: Session) -> int:
        """Returns the last of so many numbers of the tenant's counter."""
        moved = {"$add": [{"$max": ["$seq", _STORE_NANOSECONDS]}, count]}
        try:
            counter = await self._counters.take(
                {"_id": tenant_id}, [{"$set": {"seq": moved}}], upsert=True, session=session
            )
        except Conflict as error:  # the tenant's first messages, by two transactions at once
            raise begun_again() from error
        if counter is None:
            raise TransientError("the document store moved no counter of the outbox")
        return int(counter["seq"])

    def wake(self) -> None:
        """Makes the relay send now, not at its next poll; call it after the commit."""
        self.woken.set()


class Sender(Protocol):
    """What the relay sends through (`Publisher`); `deadline` is a moment of `monotonic_seconds`."""

    async def send(self, envelopes: Sequence[Envelope], *, deadline: float | None = None) -> None: ...


class Relay:
    """Sends what the outbox holds, oldest first."""

    def __init__(self, mongo: Mongo, sender: Sender, outbox: Outbox) -> None:
        self._mongo, self._rows, self._sender = mongo, mongo.all_tenants(_COLLECTION), sender
        self._leader, self._outbox = Leader(Leases(mongo), "outbox-relay", _LEASE_TTL), outbox
        self._undeliverable, self._undeliverable_count = UndeliverableMessages(mongo), 0
        self._count_due_seconds = 0.0
        self.undeliverable_handlers: list[UndeliverableHandler] = []
        """Each ends what waits for some kind of message, when Kafka will never take it."""

    def job(self) -> Job:
        """Builds the job that polls; polling finds every row, and being woken only makes it quick."""
        return Job("relay", self.step, _POLL_INTERVAL, wake=self._outbox.woken)

    async def step(self) -> bool:
        """Sends one batch; tells whether there was one, and may be more."""
        if monotonic_seconds() >= self._count_due_seconds:
            self._undeliverable_count = await self._undeliverable.count()
            self._count_due_seconds = monotonic_seconds() + _COUNT_INTERVAL.total_seconds()
        # Looks without a lease first: an empty outbox costs one read, and no write for leading.
        if (
            not await self._rows.find(limit=1, fields=["_id"])
            or (lease := await self._leader.lease()) is None
        ):
            return False
        rows = await self._next_batch()  # only now that we lead, for the order (see above)
        if rows:
            await self._send(rows, lease)
        return bool(rows)

    async def _next_batch(self) -> list[dict[str, Any]]:
        """Returns the oldest rows, as many as fit in memory: one may have megabytes."""
        batch: list[dict[str, Any]] = []
        size_bytes = 0
        rows = self._rows.stream(sort=_ORDER)
        async with aclosing(rows):
            async for row in rows:
                batch.append(row)
                size_bytes += len(row["body"])
                if len(batch) == _BATCH_SIZE or size_bytes >= _BATCH_BYTES:
                    break
        return batch

    def degradation(self) -> str | None:
        """Returns how many messages wait for an operator, as a sentence; None when there are none."""
        if not self._undeliverable_count:
            return None
        command = f"python -m {self._outbox.source.replace('-', '_')} outbox list"
        return f"messages set aside that Kafka will never take: {self._undeliverable_count}; see {command}"

    async def _send(self, rows: list[dict[str, Any]], lease: Lease) -> None:
        lease.check()
        try:
            await self._sender.send([_envelope(row) for row in rows], deadline=lease.monotonic_deadline)
        except PermanentError:  # one of them will never be taken; the others may have arrived, or not
            await self._send_each(rows, lease)
            return
        for topic in {row["topic"] for row in rows}:
            crash_points.reached("outbox-sent", topic)
        await self._rows.remove_many(row["_id"] for row in rows)
        log.info("outbox_sent", messages=len(rows))

    async def _send_each(self, rows: list[dict[str, Any]], lease: Lease) -> None:
        """Sends rows one by one, in order, and sets aside those that Kafka refuses for good."""
        for row in rows:
            try:
                await self._sender.send([_envelope(row)], deadline=lease.monotonic_deadline)
            except PermanentError as error:
                await self._set_aside(row, str(error))
            else:
                await self._rows.remove({"_id": row["_id"]})

    async def _set_aside(self, row: dict[str, Any], why: str) -> None:
        """Stores a message with its reason, and ends what waits for it; repeated, it does nothing twice."""
        messages = await self._end_what_waits(row, why)

        async def work(session: Session) -> None:
            replacements = None
            if messages is not None:
                headers = {_REPLACES: row["_id"]}
                replacements = await self._outbox.rows_of(messages, session=session, **headers)
            await self._undeliverable.take_over(row, why, replacements, session=session)

        await self._mongo.transaction(work)
        self._undeliverable_count += 1
        log.error("message_undeliverable", topic=row["topic"], ce_id=row["_id"], reason=why[:500])

    async def _end_what_waits(self, row: dict[str, Any], why: str) -> list[Message] | None:
        """Returns the messages to send instead; None when nothing waited, or could not be ended."""
        message = message_of(row)
        if message is None or _REPLACES in row["headers"]:  # what replaces is not replaced again
            return None
        ended: list[Message] | None = None
        for handler in self.undeliverable_handlers:
            outcome = await attempt(handler(message, why))
            if isinstance(outcome, TransientError):
                raise outcome
            if isinstance(outcome, Exception):  # it must not hold up the messages behind
                log.error("undeliverable_not_ended", topic=row["topic"], ce_id=row["_id"], exc_info=outcome)
            elif outcome is not None:
                ended = [*(ended or []), *outcome]
        return ended

    async def release(self) -> None:
        """Lets another replica's relay start at once."""
        await self._leader.release()


def _row(envelope: Envelope, seq: int, **more_headers: str) -> dict[str, Any]:
    return {
        "_id": envelope.headers["ce_id"],
        "seq": seq,
        "counted": True,
        "topic": envelope.topic,
        "key": envelope.key,
        "body": envelope.body,
        "headers": {**envelope.headers, **more_headers},
    }


def _envelope(row: dict[str, Any]) -> Envelope:
    return Envelope(row["topic"], row["key"], bytes(row["body"]), row["headers"])
