"""The audit log as stored: entries by tenant and number, and the head of each tenant's chain."""

# Invariant: the head document and the entries move together, in the transaction of what is audited. The
# head is moved first and only from the number that was read, so of two transactions that append at the same
# time, in whatever process, one conflicts before it wrote much, and starts over behind the other:
#
#   head 7   A: 7 → 9, entries 8 9      B: 7 → 8 conflicts; again: 9 → 10, entry 10

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from billing.audit.chain import AuditDraft, AuditEntry, ChainHead, chain_entries
from shared.contracts.base import key_of, utc
from shared.errors import TransientError
from shared.mongo import Document, Index, Mongo, Session

_ENTRIES, _HEADS = "audit_entries", "audit_heads"

AUDIT_INDEXES = (Index(_ENTRIES, [("tenant_id", 1), ("seq", 1)], unique=True),)


class AuditLog:
    """Appends inside the caller's transaction; what was appended is never changed."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def tenant_lock(self, tenant_id: str) -> AbstractAsyncContextManager[Any]:
        """Returns the lock to hold around a transaction that appends.

        Waiting is far cheaper than conflicting on the head. The lock is of this process and saves time only;
        what protects the chain, also against other replicas, is that the head moves from a known number.
        """
        return self._locks[tenant_id]

    async def append(self, tenant_id: str, drafts: Sequence[AuditDraft], *, session: Session) -> None:
        """Chains the drafts to the tenant's head. Raises `TransientError` when a rival moved the head."""
        if not drafts:
            return
        heads = self._mongo.documents(_HEADS, tenant_id)
        row = await heads.get(tenant_id, session=session)
        entries = chain_entries(tenant_id, _head(row), drafts)
        moved = {"seq": entries[-1].seq, "hash": entries[-1].hash}
        if row is None:
            await heads.insert({"_id": tenant_id, **moved}, session=session)
        elif not await heads.change({"_id": tenant_id, "seq": row["seq"]}, {"$set": moved}, session=session):
            raise TransientError(f"the audit log of {tenant_id} moved on meanwhile")
        log = self._mongo.documents(_ENTRIES, tenant_id)
        await log.insert_many([_document(entry) for entry in entries], session=session)

    async def head(self, tenant_id: str) -> ChainHead:
        return _head(await self._mongo.documents(_HEADS, tenant_id).get(tenant_id))

    async def entries(self, tenant_id: str, *, until: ChainHead) -> AsyncIterator[AuditEntry]:
        """Yields the chain from entry one up to a head, with bounded memory."""
        rows = self._mongo.documents(_ENTRIES, tenant_id)
        async for row in rows.stream({"seq": {"$lte": until.seq}}, sort=[("seq", 1)]):
            draft = AuditDraft(row["at"], row["actor"], row["action"], row["subject"], row["details"])
            yield AuditEntry(row["tenant_id"], row["seq"], draft, row["previous"], row["hash"])


def _head(row: Document | None) -> ChainHead:
    return ChainHead(row["seq"], row["hash"]) if row else ChainHead()


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
