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

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from pydantic import TypeAdapter

from psa_sync.writes.intent import Intent
from psa_sync.writes.ports import LineRef
from shared.contracts import Message
from shared.contracts.psa_sync import WriteQuantity
from shared.mongo import Document, Documents, Index, Mongo, Session
from shared.outbox import Outbox
from shared.runtime.clock import Clock
from shared.runtime.leases import LeaseLost

COLLECTION = "writes"
WRITE_INDEXES = (
    Index(COLLECTION, [("finished", 1), ("due_at", 1)]),
    Index(COLLECTION, [("integration_id", 1), ("line_id", 1), ("finished", 1), ("received", 1)]),
)
_INTENT = TypeAdapter(Intent)


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
            await self._repeat_results([_intent(row) for row in existing.values()])

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

    async def _repeat_results(self, intents: Sequence[Intent]) -> None:
        results = [intent.result for intent in intents if intent.result]
        if not results:
            return

        async def work(session: Session) -> None:
            for result in results:
                await self._outbox.add([result], session=session, correlation_id=result.approval_id)

        await self._mongo.transaction(work)
        self._outbox.wake()

    def _rows(self, tenant_id: str) -> Documents:
        return self._mongo.documents(COLLECTION, tenant_id)


def _unfinished(line: LineRef) -> Document:
    return {"integration_id": line.integration_id, "line_id": line.line_id, "finished": False}


def _document(intent: Intent) -> Document:
    """Returns the whole intent, with the fields that queries use beside it."""
    command = intent.command
    fields: Document = _INTENT.dump_python(intent, mode="json")
    return fields | {
        "_id": command.approval_id,
        "integration_id": command.integration_id,
        "line_id": command.line_id,
        "due_at": intent.due_at,
        "finished": intent.finished,
    }


def _intent(row: Document) -> Intent:
    return _INTENT.validate_python(row)
