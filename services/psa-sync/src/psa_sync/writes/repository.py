"""The writes asked of psa-sync, one document each, and what is said of them, in this service's database."""

from collections.abc import Sequence

from pydantic import TypeAdapter

from psa_sync.writes.intent import Intent
from psa_sync.writes.ports import Clock, LineRef
from shared.contracts import Message
from shared.contracts.psa_sync import WriteQuantity
from shared.errors import Conflict
from shared.mongo import Document, Documents, Index, Mongo, Session
from shared.outbox import Outbox

COLLECTION = "writes"
WRITE_INDEXES = (
    Index(COLLECTION, [("finished", 1), ("due_at", 1)]),
    Index(COLLECTION, [("integration_id", 1), ("line_id", 1), ("finished", 1), ("received", 1)]),
)
_INTENT = TypeAdapter(Intent)


class WriteRepository:
    """Write intents; the `_id` is the approval's, so an approval has one write at most."""

    def __init__(self, mongo: Mongo, outbox: Outbox, clock: Clock) -> None:
        self._mongo, self._outbox, self._clock = mongo, outbox, clock

    async def ask(self, commands: Sequence[WriteQuantity]) -> None:
        """Store what is new; what is finished already is answered again with its stored result."""
        received = self._clock()
        for tenant_id, some in _by_tenant(commands).items():
            rows = self._of(tenant_id)
            known = await rows.get_many(command.approval_id for command in some)
            await rows.insert_new(
                _document(Intent(command, f"{received.isoformat()} {place:06}", due_at=received))
                for place, command in enumerate(some)
                if command.approval_id not in known
            )
            await self._answer_again([_intent(row) for row in known.values()])

    async def due(self, limit: int) -> list[LineRef]:
        """Lines with a write to be made now, the one that waits longest first."""
        rows = await self._mongo.all_tenants(COLLECTION).find(
            {"finished": False, "due_at": {"$lte": self._clock()}},
            sort=[("due_at", 1)],
            limit=limit,
            fields=["tenant_id", "integration_id", "line_id"],
        )
        names = (LineRef(row["tenant_id"], row["integration_id"], row["line_id"]) for row in rows)
        return list(dict.fromkeys(names))

    async def head(self, of: LineRef) -> Intent | None:
        """The oldest unfinished write to this line; those behind it wait for it."""
        rows = await self._of(of.tenant_id).find(_unfinished(of), sort=[("received", 1)], limit=1)
        return _intent(rows[0]) if rows else None

    async def save(self, intent: Intent) -> Intent:
        """Store the next step, and let the writes behind it wait as long; `Conflict` when overtaken."""
        command = intent.command
        behind = _unfinished(LineRef(command.tenant_id, command.integration_id, command.line_id))
        stored = await self._step(intent)
        await self._of(command.tenant_id).change_many(
            behind | {"due_at": {"$lt": stored.due_at}}, {"$set": {"due_at": stored.due_at}}
        )
        return stored

    async def finish(self, intent: Intent, messages: Sequence[Message]) -> Intent:
        """Store the result and say it, in one transaction; `Conflict` when overtaken."""

        async def work(session: Session) -> Intent:
            stored = await self._step(intent, session)
            await self._outbox.add(messages, session=session, correlation_id=intent.command.approval_id)
            return stored

        finished = await self._mongo.transaction(work)
        self._outbox.wake()
        return finished

    async def _step(self, intent: Intent, session: Session | None = None) -> Intent:
        stored = intent.stored()
        row = _document(stored)
        before = {"_id": row.pop("_id"), "version": intent.version}
        if not await self._of(intent.command.tenant_id).change(before, {"$set": row}, session=session):
            raise Conflict(f"write {intent.command.approval_id} was taken on by another worker")
        return stored

    async def _answer_again(self, intents: Sequence[Intent]) -> None:
        results = [intent.result for intent in intents if intent.result]
        if not results:
            return

        async def work(session: Session) -> None:
            for result in results:
                await self._outbox.add([result], session=session, correlation_id=result.approval_id)

        await self._mongo.transaction(work)
        self._outbox.wake()

    def _of(self, tenant_id: str) -> Documents:
        return self._mongo.documents(COLLECTION, tenant_id)


def _by_tenant(commands: Sequence[WriteQuantity]) -> dict[str, list[WriteQuantity]]:
    tenants: dict[str, list[WriteQuantity]] = {}
    for command in commands:
        tenants.setdefault(command.tenant_id, []).append(command)
    return tenants


def _unfinished(of: LineRef) -> Document:
    return {"integration_id": of.integration_id, "line_id": of.line_id, "finished": False}


def _document(intent: Intent) -> Document:
    """The fields that are searched beside the intent as a whole."""
    command = intent.command
    whole: Document = _INTENT.dump_python(intent, mode="json")
    return whole | {
        "_id": command.approval_id,
        "integration_id": command.integration_id,
        "line_id": command.line_id,
        "due_at": intent.due_at,
        "finished": intent.finished,
    }


def _intent(row: Document) -> Intent:
    return _INTENT.validate_python(row)
