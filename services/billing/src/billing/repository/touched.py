"""Marks. Each marking is a document of its own: one write however many refs, and none can hide another."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from uuid import uuid4

from billing.models.marks import Mark
from billing.service.reconciling import AT_ONCE
from shared.contracts.base import utc
from shared.mongo import Document, Index, Mongo, Session

_COLLECTION = "touched"

TOUCHED_INDEXES = (Index(_COLLECTION, [("at", 1)]),)


class Touched:
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

    async def oldest(self, limit: int, now: datetime) -> list[Mark]:
        """First come, first served, whatever the tenant; without those that are set aside until later."""
        due = {"$or": [{"aside_until": None}, {"aside_until": {"$lte": now}}]}
        rows = await self._mongo.all_tenants(_COLLECTION).find(due, sort=[("at", 1)], limit=limit)
        return [_mark(row) for row in rows]

    async def remove(self, marks: Sequence[Mark]) -> None:
        await self._mongo.all_tenants(_COLLECTION).remove({"_id": {"$in": [mark.id for mark in marks]}})

    async def newest(self, tenant_id: str) -> datetime | None:
        """When the last of those that wait was marked."""
        rows = await self._mongo.documents(_COLLECTION, tenant_id).find(sort=[("at", -1)], limit=1)
        return rows[0]["at"] if rows else None

    async def any_until(self, tenant_id: str, moment: datetime, *, aside: bool = False) -> bool:
        """Whether anything that was marked up to that moment still waits, or is set aside."""
        marked: Document = {"at": {"$lte": moment}, "aside_until": {"$ne": None} if aside else None}
        return bool(await self._mongo.documents(_COLLECTION, tenant_id).find(marked, limit=1, fields=["_id"]))


def _documents(touched: Mapping[str, Sequence[str]], at: datetime) -> list[Document]:
    refs = sorted(touched)
    starts = range(0, len(refs), AT_ONCE)
    return [_document(refs[start : start + AT_ONCE], touched, at) for start in starts]


def _document(refs: Sequence[str], touched: Mapping[str, Sequence[str]], at: datetime) -> Document:
    return {"_id": uuid4().hex, "refs": refs, "keys": [list(touched[ref]) for ref in refs], "at": at}


def _mark(row: Document) -> Mark:
    touched = dict(zip(row["refs"], row["keys"], strict=True))
    return Mark(row["_id"], row["tenant_id"], touched, row["at"])
