"""Syncs as they were asked for, each saved with its commands."""

from collections.abc import Sequence

from billing.runs.sync import Sync
from shared.contracts import Command
from shared.contracts.base import key_of, utc
from shared.errors import Conflict
from shared.mongo import Document, Mongo, Session
from shared.outbox import Outbox

_COLLECTION = "syncs"


class SyncRepository:
    """Keeps each sync once, whoever asks again."""

    def __init__(self, mongo: Mongo, outbox: Outbox) -> None:
        self._mongo, self._outbox = mongo, outbox

    async def start(self, sync: Sync, commands: Sequence[Command]) -> bool:
        """Save the sync with its commands; False, and nothing is said, when it is there already."""

        async def work(session: Session) -> None:
            rows = self._mongo.documents(_COLLECTION, sync.tenant_id)
            await rows.insert(_document(sync), session=session)
            await self._outbox.add(commands, session=session, correlation_id=sync.sync_id)

        try:
            await self._mongo.transaction(work)
        except Conflict:
            return False
        self._outbox.wake()
        return True


def _document(sync: Sync) -> Document:
    return {
        "_id": key_of(sync.tenant_id, sync.sync_id),
        "sync_id": sync.sync_id,
        "integration_ids": list(sync.integration_ids),
        "kind": sync.kind.value,
        "asked_by": sync.asked_by,
        "requested_at": utc(sync.requested_at),
    }
