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
# `may_arrive_until` is stored together with the step that announces a send, and stays when the write ends:
# it is the line's mark that something may still be on its way (`Intent.open_sends`).

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from pydantic import TypeAdapter

from psa_sync.writes.decide import PATIENCE
from psa_sync.writes.intent import Intent, WriteResult, WriteStage
from psa_sync.writes.ports import LineRef
from shared.contracts import Message
from shared.contracts.psa_sync import QuantityRefused, WriteQuantity, WriteRefusal
from shared.mongo import Document, Documents, Index, Mongo, Session
from shared.outbox import Outbox
from shared.runtime.clock import Clock
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
_INTENT = TypeAdapter(Intent)
_RESULT: TypeAdapter[WriteResult | None] = TypeAdapter(WriteResult | None)


class WriteRepository:
    """Keeps the write intents of all tenants."""

    def __init__(self, mongo: Mongo, outbox: Outbox, clock: Clock) -> None:
        self._mongo, self._outbox, self._clock = mongo, outbox, clock

    async def receive(self, commands: Sequence[WriteQuantity]) -> None:
        """Stores the commands that are new; answers those that are finished with their stored result."""
        received_at = self._clock()
        by_tenant: dict[str, list[WriteQuantity]] = {}
        for command in commands:
            by_tenant.setdefault(command.tenant_id, []).append(command)
        for tenant_id, tenant_commands in by_tenant.items():
            rows = self._rows(tenant_id)
            existing = await rows.get_many(command.approval_id for command in tenant_commands)
            await rows.insert_new(
                # The position in the batch follows the time: the commands of one batch keep their order.
                _document(Intent(command, f"{received_at.isoformat()} {position:06}", due_at=received_at))
                for position, command in enumerate(tenant_commands)
                if command.approval_id not in existing
            )
            results = (_RESULT.validate_python(row["result"]) for row in existing.values())
            await self._repeat_results([result for result in results if result])

    async def due_lines(self, limit: int, *, but_of: Collection[str] = ()) -> list[LineRef]:
        """Returns lines with a write that is due now, each once, the one that waits longest first.

        `limit` is on the writes that are looked at, `but_of` are tenants whose writes are not.
        """
        rows = await self._mongo.all_tenants(COLLECTION).find(
            {"finished": False, "due_at": {"$lte": self._clock()}, "tenant_id": {"$nin": list(but_of)}},
            sort=[("due_at", 1)],
            limit=limit,
            fields=["tenant_id", "integration_id", "line_id"],
        )
        lines = (LineRef(row["tenant_id"], row["integration_id"], row["line_id"]) for row in rows)
        return list(dict.fromkeys(lines))

    async def oldest_unfinished(self, line: LineRef) -> Intent | None:
        """Returns the oldest unfinished write to this line; those behind it wait for its end."""
        rows = await self._rows(line.tenant_id).find(_unfinished(line), sort=[("received", 1)], limit=1)
        return _intent(rows[0]) if rows else None

    async def may_arrive_until(self, line: LineRef) -> datetime | None:
        """Returns until when a request of any write to this line, ended ones included, may still arrive."""
        rows = await self._rows(line.tenant_id).find(
            _of(line) | {"may_arrive_until": {"$gt": self._clock()}},
            sort=[("may_arrive_until", -1)],
            limit=1,
            fields=["may_arrive_until"],
        )
        return rows[0]["may_arrive_until"] if rows else None

    async def save(self, intent: Intent) -> Intent:
        """Stores the next step; raises `LeaseLost` when another worker stored one since."""
        command = intent.command
        stored = await self._store_next_version(intent)
        await self._wait(LineRef(command.tenant_id, command.integration_id, command.line_id), stored.due_at)
        return stored

    async def put_off(self, line: LineRef, pause: timedelta) -> None:
        """Makes the writes to a line due later, whatever keeps them from being carried on."""
        await self._wait(line, self._clock() + pause)

    async def _wait(self, line: LineRef, until: datetime) -> None:
        # All of the line wait as long, or it would count as due in every round.
        await self._rows(line.tenant_id).change_many(
            _unfinished(line) | {"due_at": {"$lt": until}}, {"$set": {"due_at": until}}
        )

    async def end_unreadable(self, line: LineRef) -> None:
        """Ends the writes to a line that cannot be parsed, once the time for every other end is over.

        No code can tell more of them than whether they may have been sent; a person must look then.
        """
        rows = await self._rows(line.tenant_id).find(_unfinished(line))
        now = self._clock()
        for row in rows:
            sent = row["stage"] != WriteStage.WAITING
            if now > row["valid_until"] + (PATIENCE if sent else timedelta(0)) and not _is_readable(row):
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
            unfinished = _unfinished(line) | {"_id": approval_id}
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

    async def _store_next_version(self, intent: Intent, session: Session | None = None) -> Intent:
        stored = replace(intent, version=intent.version + 1)
        row = _document(stored)
        before = {"_id": row.pop("_id"), "version": intent.version}
        if not await self._rows(intent.command.tenant_id).change(before, {"$set": row}, session=session):
            raise LeaseLost(f"write {intent.command.approval_id} was taken on by another worker")
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


def _of(line: LineRef) -> Document:
    return {"integration_id": line.integration_id, "line_id": line.line_id}


def _unfinished(line: LineRef) -> Document:
    return _of(line) | {"finished": False}


def _document(intent: Intent) -> Document:
    """Returns the whole intent, with the fields that queries use beside it."""
    command = intent.command
    fields: Document = _INTENT.dump_python(intent, mode="json")
    return fields | {
        "_id": command.approval_id,
        "integration_id": command.integration_id,
        "line_id": command.line_id,
        "due_at": intent.due_at,
        "valid_until": command.valid_until,
        "may_arrive_until": intent.may_arrive_until,
        "finished": intent.finished,
    }


def _intent(row: Document) -> Intent:
    return _INTENT.validate_python(row)


def _is_readable(row: Document) -> bool:
    try:
        _intent(row)
    except ValueError:
        return False
    return True
