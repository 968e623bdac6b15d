"""The audit log: entries by tenant and number, and the head of each tenant's chain."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from billing.audit.chain import AuditDraft, AuditEntry, ChainHead, chained
from shared.contracts.base import key_of, utc
from shared.errors import TransientError
from shared.mongo import Document, Index, Mongo, Session

_ENTRIES, _HEADS = "audit_entries", "audit_heads"

AUDIT_INDEXES = (Index(_ENTRIES, [("tenant_id", 1), ("seq", 1)], unique=True),)


class AuditLog:
    """Appends inside the caller's transaction; what was appended is never changed."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def turn(self, tenant_id: str) -> AbstractAsyncContextManager[Any]:
        """Hold this around a transaction that appends: waiting is far cheaper than conflicting on the head.

        It only saves time; what keeps the chain whole is the head's guard, also against other replicas.
        """
        return self._turns[tenant_id]

    async def append(self, tenant_id: str, drafts: Sequence[AuditDraft], *, session: Session) -> None:
        """Chain what happened to the head, which moves first: a rival conflicts before it wrote much."""
        if not drafts:
            return
        heads = self._mongo.documents(_HEADS, tenant_id)
        found = await heads.get(tenant_id, session=session)
        entries = chained(tenant_id, _head(found), drafts)
        moved = {"seq": entries[-1].seq, "hash": entries[-1].hash}
        if found is None:
            await heads.insert({"_id": tenant_id, **moved}, session=session)
        elif not await heads.change(
            {"_id": tenant_id, "seq": found["seq"]}, {"$set": moved}, session=session
        ):
            raise TransientError(f"the audit log of {tenant_id} moved on meanwhile")
        log = self._mongo.documents(_ENTRIES, tenant_id)
        await log.insert_many([_document(entry) for entry in entries], session=session)

    async def head(self, tenant_id: str) -> ChainHead:
        return _head(await self._mongo.documents(_HEADS, tenant_id).get(tenant_id))

    async def entries(self, tenant_id: str, *, until: ChainHead) -> AsyncIterator[AuditEntry]:
        """The chain from entry one up to a head."""
        rows = self._mongo.documents(_ENTRIES, tenant_id)
        async for row in rows.stream({"seq": {"$lte": until.seq}}, sort=[("seq", 1)]):
            yield _entry(row)


def _head(found: Document | None) -> ChainHead:
    return ChainHead(found["seq"], found["hash"]) if found else ChainHead()


def _document(entry: AuditEntry) -> Document:
    draft = entry.draft
    return {
        "_id": key_of(entry.tenant_id, str(entry.seq)),
        "tenant_id": entry.tenant_id,
        "seq": entry.seq,
        "at": utc(draft.at),
        "actor": draft.actor,
        "action": draft.action,
        "subject": draft.subject,
        "details": draft.details,
        "previous": entry.previous,
        "hash": entry.hash,
    }


def _entry(row: Document) -> AuditEntry:
    draft = AuditDraft(row["at"], row["actor"], row["action"], row["subject"], row["details"])
    return AuditEntry(row["tenant_id"], row["seq"], draft, row["previous"], row["hash"])
