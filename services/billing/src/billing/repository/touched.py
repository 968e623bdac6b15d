"""Marks. Each marking is a document of its own: one write however many refs, and none can hide another."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from uuid import uuid4

from billing.models.marks import Mark
from shared.contracts.base import utc
from shared.mongo import Document, Index, Mongo, Session

_COLLECTION = "touched"
AT_ONCE = 250
"""Refs in one mark: what one round of reconciling loads together."""

TOUCHED_INDEXES = (Index(_COLLECTION, [("at", 1)]), Index(_COLLECTION, [("tenant_id", 1), ("at", 1)]))


class Touched:
    """Keeps marks until they are seen to."""

    def __init__(self, mongo: Mongo, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._mongo, self._clock = mongo, clock

    async def mark(
        self,
        tenant_id: str,
        refs: Iterable[str],
        *,
        at: datetime | None = None,
        session: Session | None = None,
    ) -> None:
        """Call it after the news is stored: killed in between, the news comes again and marks again."""
        documents = _documents(sorted(set(refs)), utc(at or self._clock()))
        await self._mongo.documents(_COLLECTION, tenant_id).insert_many(documents, session=session)

    async def oldest(self, limit: int) -> list[Mark]:
        """First come, first served, whatever the tenant."""
        rows = await self._mongo.all_tenants(_COLLECTION).find(sort=[("at", 1)], limit=limit)
        return [Mark(row["_id"], row["tenant_id"], tuple(row["refs"]), row["at"]) for row in rows]

    async def remove(self, marks: Sequence[Mark]) -> None:
        await self._mongo.all_tenants(_COLLECTION).remove({"_id": {"$in": [mark.id for mark in marks]}})

    async def any_until(self, tenant_id: str, moment: datetime) -> bool:
        """Whether anything that was marked up to that moment still waits."""
        rows = self._mongo.documents(_COLLECTION, tenant_id)
        return bool(await rows.find({"at": {"$lte": moment}}, limit=1, fields=["_id"]))


def _documents(refs: Sequence[str], at: datetime) -> list[Document]:
    return [
        {"_id": uuid4().hex, "refs": refs[start : start + AT_ONCE], "at": at}
        for start in range(0, len(refs), AT_ONCE)
    ]
