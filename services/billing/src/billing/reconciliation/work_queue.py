"""Marks. Each marking is a document of its own: one write however many refs, and none can hide another."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from uuid import uuid4

from billing.reconciliation.work_item import WorkItem
from billing.usage.refs import is_account
from shared.contracts.base import utc
from shared.mongo import Document, Index, Mongo, Session

_COLLECTION = "touched"
_REFS = 250
"""Of one mark: what is reconciled together should not wait for much else."""

TOUCHED_INDEXES = (Index(_COLLECTION, [("at", 1)]),)


class WorkQueue:
    """Keeps marks until they are seen to."""

    def __init__(self, mongo: Mongo, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._mongo, self._clock = mongo, clock

    async def mark(
        self,
        tenant_id: str,
        touched: Mapping[str, Sequence[str]],
        *,
        at: datetime | None = None,
        session: Session | None = None,
    ) -> None:
        """Call it after the news is stored: killed in between, the news comes again and marks again."""
        documents = _documents(touched, utc(at or self._clock()))
        await self._mongo.documents(_COLLECTION, tenant_id).insert_many(documents, session=session)

    async def set_aside(
        self, tenant_id: str, refs: Collection[str], *, at: datetime, until: datetime
    ) -> None:
        """Mark what failed, to be seen to no earlier than `until`."""
        documents = [one | {"aside_until": until} for one in _documents(dict.fromkeys(refs, ()), at)]
        await self._mongo.documents(_COLLECTION, tenant_id).insert_many(documents)

    async def tenants(self, now: datetime) -> list[str]:
        """Whose marks wait, without those that are set aside until later."""
        return await self._mongo.all_tenants(_COLLECTION).distinct("tenant_id", _due(now))

    async def oldest(
        self, tenant_id: str, now: datetime, *, wide: bool, limit: int, skip: int = 0
    ) -> list[WorkItem]:
        """In order: either those that name accounts only, or the others."""
        wanted = _due(now) | {"wide": {"$ne": False} if wide else False}
        rows = self._mongo.documents(_COLLECTION, tenant_id)
        found = await rows.find(wanted, sort=[("at", 1)], limit=limit, skip=skip)
        return [_mark(row) for row in found]

    async def remove(self, ids: Collection[str]) -> None:
        await self._mongo.all_tenants(_COLLECTION).remove_many(ids)

    async def newest(self, tenant_id: str) -> datetime | None:
        """When the last of those that wait was marked."""
        rows = await self._mongo.documents(_COLLECTION, tenant_id).find(
            sort=[("at", -1)], limit=1, fields=["at"]
        )
        return rows[0]["at"] if rows else None

    async def any_until(self, tenant_id: str, moment: datetime, *, aside: bool = False) -> bool:
        """Whether anything that was marked up to that moment still waits, or is set aside."""
        marked: Document = {"at": {"$lte": moment}, "aside_until": {"$ne": None} if aside else None}
        return bool(await self._mongo.documents(_COLLECTION, tenant_id).find(marked, limit=1, fields=["_id"]))


def _due(now: datetime) -> Document:
    return {"$or": [{"aside_until": None}, {"aside_until": {"$lte": now}}]}


def _documents(touched: Mapping[str, Sequence[str]], at: datetime) -> list[Document]:
    """Wide news apart: a mark names accounts, or what may concern many of them."""
    accounts, wide = (sorted(filter(kind, touched)) for kind in (is_account, lambda ref: not is_account(ref)))
    return [
        {"_id": uuid4().hex, "refs": refs, "keys": [list(touched[ref]) for ref in refs], "at": at, "wide": of}
        for of, some in ((False, accounts), (True, wide))
        for refs in _pieces(some)
    ]


def _pieces(refs: Sequence[str]) -> list[Sequence[str]]:
    return [refs[start : start + _REFS] for start in range(0, len(refs), _REFS)]


def _mark(row: Document) -> WorkItem:
    touched = dict(zip(row["refs"], row["keys"], strict=True))
    return WorkItem(row["_id"], row["tenant_id"], touched, row["at"])
