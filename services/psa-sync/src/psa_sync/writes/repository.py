"""Stores the writes that psa-sync was commanded to make, one document each, and sends their results."""

# Invariant: an approval has one write and one result. Its id is the write's, so a command that is delivered
# again stores nothing: a write that goes on is left alone, and one that has ended is answered with its stored
# result.
#
#   command apr_1 → stored   apr_1 again, unfinished → nothing   apr_1 again, finished → its result again
#
# The writes to one line are made in the order of their arrival, which is kept in `received`. A step is stored
# only over the version that its worker read, so of two workers at one line the second to store raises
# `LeaseLost`.
#
# A cancel may come before its command. It is kept in the write's own document, in `cancelled`, which no step
# touches: with no more in it than that until the command comes, or beside whatever the write has come to.
#
#   cancel apr_1 → {cancelled}   command apr_1 → {cancelled, command, …}, refused before it begins
#   cancel apr_1 while a worker reads the line → the step that announces the send finds it, and is not stored
#
# `may_arrive_until` is stored together with the step that announces a send, and stays when the write ends:
# it is the line's mark that something may still be on its way (`Intent.open_sends`).

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from psa_sync.writes.decide import PATIENCE
from psa_sync.writes.documents import (
    CANCELLED_UNSENT,
    document_of,
    intent_of,
    is_readable,
    of_line,
    result_of,
    step_of,
    unfinished_of,
)
from psa_sync.writes.intent import Intent, WriteResult, WriteStage
from psa_sync.writes.ports import LineRef
from shared.contracts import Message
from shared.contracts.psa_sync import CancelWrite, QuantityRefused, WriteQuantity
from shared.contracts.quantity_write import WriteRefusal
from shared.mongo import Documents, Index, Mongo, Session
from shared.outbox import Outbox
from shared.runtime.clock import StoreTime
from shared.runtime.leases import LeaseLost

COLLECTION = "writes"
WRITE_INDEXES = (
    Index(COLLECTION, [("finished", 1), ("due_at", 1)]),
    Index(COLLECTION, [("integration_id", 1), ("line_id", 1), ("finished", 1), ("received", 1)]),
    Index(
        COLLECTION,
        [("integration_id", 1), ("line_id", 1), ("may_arrive_until", 1)],
        where={"may_arrive_until": {"$type": "date"}},
    ),
)


class WriteRepository:
    """Keeps the write intents of all tenants."""

    def __init__(self, mongo: Mongo, outbox: Outbox, clock: StoreTime) -> None:
        self._mongo, self._outbox, self._clock = mongo, outbox, clock

    async def receive(self, commands: Sequence[WriteQuantity]) -> None:
        """Stores the commands that are new; answers those that are finished with their stored result."""
        received_at = await self._clock()
        by_tenant: dict[str, list[WriteQuantity]] = {}
        for command in commands:
            by_tenant.setdefault(command.tenant_id, []).append(command)
        for tenant_id, tenant_commands in by_tenant.items():
            rows = self._rows(tenant_id)
            existing = await rows.get_many(command.approval_id for command in tenant_commands)
            new = [
                # The position in the batch follows the time: the commands of one batch keep their order.
                Intent(command, f"{received_at.isoformat()} {position:06}", due_at=received_at)
                for position, command in enumerate(tenant_commands)
                if "command" not in existing.get(command.approval_id, ())
            ]
            await self._insert(tenant_id, new)
            results = map(result_of, existing.values())
            await self._repeat_results([result for result in results if result])

    async def _insert(self, tenant_id: str, intents: Sequence[Intent]) -> None:
        """Stores new writes; into the documents of those that were cancelled before, if there are any."""
        rows, documents = self._rows(tenant_id), {row["_id"]: row for row in map(document_of, intents)}
        await rows.insert_new(documents.values())
        # Looked for afterwards: no insert takes the place of a cancel, whenever that came.
        for id_, row in (await rows.get_many(documents, fields=["command", "cancelled"])).items():
            if "command" not in row:
                unbegun = {"_id": id_, "command": {"$exists": False}}
                await rows.change(unbegun, {"$set": step_of(documents[id_])})

    async def cancel(self, commands: Sequence[CancelWrite]) -> None:
        """Stores that these writes are not wanted any more; a write that has ended stays as it is."""
        for command in commands:
            cancelled = {
                "cancelled": command.reason,
                "integration_id": command.integration_id,
                "line_id": command.line_id,
                "due_at": await self._clock(),
            }
            rows = self._rows(command.tenant_id)
            await rows.change({"_id": command.approval_id}, {"$set": cancelled}, upsert=True)

    async def due_lines(self, limit: int, *, but_of: Collection[str] = ()) -> list[LineRef]:
        """Returns lines with a write that is due now, each once, the one that waits longest first.

        `limit` is on the writes that are looked at, `but_of` are tenants whose writes are not. A cancelled
        write that was never sent is due whatever it waits for: a step may have been stored since.
        """
        due = {"$or": [{"due_at": {"$lte": await self._clock()}}, CANCELLED_UNSENT]}
        rows = await self._mongo.all_tenants(COLLECTION).find(
            {"finished": False, "tenant_id": {"$nin": list(but_of)}, **due},
            sort=[("due_at", 1)],
            limit=limit,
            fields=["tenant_id", "integration_id", "line_id"],
        )
        lines = (LineRef(row["tenant_id"], row["integration_id"], row["line_id"]) for row in rows)
        return list(dict.fromkeys(lines))

    async def next_unfinished(self, line: LineRef) -> Intent | None:
        """Returns the write to this line to carry on; those behind it wait for its end.

        That is the oldest, but one that is cancelled and was never sent comes first: it waits for nothing.
        """
        rows, oldest = self._rows(line.tenant_id), [("received", 1)]
        unfinished = unfinished_of(line)
        found = await rows.find(unfinished | CANCELLED_UNSENT, sort=oldest, limit=1)
        found = found or await rows.find(unfinished, sort=oldest, limit=1)
        return intent_of(found[0]) if found else None

    async def may_arrive_until(self, line: LineRef) -> datetime | None:
        """Returns until when a request of any write to this line, ended ones included, may still arrive."""
        rows = await self._rows(line.tenant_id).find(
            of_line(line) | {"may_arrive_until": {"$gt": await self._clock()}},
            sort=[("may_arrive_until", -1)],
            limit=1,
            fields=["may_arrive_until"],
        )
        return rows[0]["may_arrive_until"] if rows else None

    async def unanswered_targets(self, line: LineRef) -> set[Decimal]:
        """Returns the quantities of all writes to this line of which a request had no answer."""
        rows = await self._rows(line.tenant_id).find(
            of_line(line) | {"may_arrive_until": {"$type": "date"}}, fields=["command.target"]
        )
        return {Decimal(row["command"]["target"]) for row in rows}

    async def save(self, intent: Intent, messages: Sequence[Message] = ()) -> Intent:
        """Stores the next step with its messages; raises `LeaseLost` when another worker stored one since."""
        command = intent.command
        stored = await (self.finish(intent, messages) if messages else self._store_next_version(intent))
        await self._wait(LineRef(command.tenant_id, command.integration_id, command.line_id), stored.due_at)
        return stored

    async def save_before_send(self, intent: Intent) -> Intent:
        """Stores that a send begins; raises `LeaseLost` as `save`, and when the write is cancelled by now."""
        return await self._store_next_version(intent, unless_cancelled=intent.cancelled is None)

    async def put_off(self, line: LineRef, pause: timedelta) -> None:
        """Makes the writes to a line due later, whatever keeps them from being carried on."""
        await self._wait(line, await self._clock() + pause)

    async def _wait(self, line: LineRef, until: datetime) -> None:
        # All of the line wait as long, or it would count as due in every round.
        await self._rows(line.tenant_id).change_many(
            unfinished_of(line) | {"due_at": {"$lt": until}}, {"$set": {"due_at": until}}
        )

    async def end_unreadable(self, line: LineRef) -> None:
        """Ends the writes to a line that cannot be parsed, once the time for every other end is over.

        No code can tell more of them than whether they may have been sent; a person must look then.
        """
        rows = await self._rows(line.tenant_id).find(unfinished_of(line))
        now = await self._clock()
        for row in rows:
            sent = row["stage"] != WriteStage.WAITING
            if now > row["valid_until"] + (PATIENCE if sent else timedelta(0)) and not is_readable(row):
                await self._end_unreadable(line, row["_id"], now, sent=sent)

    async def _end_unreadable(self, line: LineRef, approval_id: str, now: datetime, *, sent: bool) -> None:
        refusal = QuantityRefused(
            tenant_id=line.tenant_id,
            integration_id=line.integration_id,
            line_id=line.line_id,
            approval_id=approval_id,
            reason=WriteRefusal.UNKNOWN_OUTCOME if sent else WriteRefusal.REJECTED,
            detail="what is stored of this write cannot be read, look at the line in the PSA",
            sent=sent,
            refused_at=now,
        )
        ended = {"finished": True, "result": refusal.model_dump(mode="json")}

        async def work(session: Session) -> None:
            unfinished = unfinished_of(line) | {"_id": approval_id}
            if await self._rows(line.tenant_id).change(unfinished, {"$set": ended}, session=session):
                await self._outbox.add([refusal], session=session, correlation_id=approval_id)

        await self._mongo.transaction(work)
        self._outbox.wake()

    async def finish(self, intent: Intent, messages: Sequence[Message]) -> Intent:
        """Stores the result with its messages in one transaction; raises `LeaseLost` as `save` does."""

        async def work(session: Session) -> Intent:
            stored = await self._store_next_version(intent, session)
            await self._outbox.add(messages, session=session, correlation_id=intent.command.approval_id)
            return stored

        finished = await self._mongo.transaction(work)
        self._outbox.wake()
        return finished

    async def _store_next_version(
        self, intent: Intent, session: Session | None = None, *, unless_cancelled: bool = False
    ) -> Intent:
        stored = replace(intent, version=intent.version + 1)
        before = {"_id": intent.command.approval_id, "version": intent.version}
        before |= {"cancelled": None} if unless_cancelled else {}
        update = {"$set": step_of(document_of(stored))}
        if not await self._rows(intent.command.tenant_id).change(before, update, session=session):
            raise LeaseLost(
                f"write {intent.command.approval_id} was taken on by another worker, or cancelled"
            )
        return stored

    async def _repeat_results(self, results: Sequence[WriteResult]) -> None:
        if not results:
            return

        async def work(session: Session) -> None:
            for result in results:
                await self._outbox.add([result], session=session, correlation_id=result.approval_id)

        await self._mongo.transaction(work)
        self._outbox.wake()

    def _rows(self, tenant_id: str) -> Documents:
        return self._mongo.documents(COLLECTION, tenant_id)
