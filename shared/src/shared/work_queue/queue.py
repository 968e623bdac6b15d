"""Keeps work items in the service's own database, from the moment of the news until the work is stored."""

# Invariant: what was enqueued stays in the queue until its result is durable. So a producer enqueues *after* it
# has stored the news (killed in between, the news is delivered again and enqueued again), and a worker completes
# an item *after* it has stored the result (killed in between, the work is done again and changes nothing).
#
# Each call of `enqueue` writes a document of its own: two producers that name one key never write one document,
# and an item that arrives while its key is worked on is a second item, which the completion of the first leaves.
#
#   enqueue t1 {a, b}   enqueue t1 {b}   claim → [{a, b}, {b}]   enqueue t1 {a}   complete both → [{a}] is left
#
# Claiming takes nothing away: the queue has one worker for each tenant, which leads by lease or holds the
# tenant's transaction lock.

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from uuid import uuid4

from shared.contracts.base import utc
from shared.mongo import Document, Documents, Index, Mongo, Put, Session
from shared.work_queue.item import WorkItem

_COLLECTION = "work_items"
_KEYS_PER_ITEM = 250
"""What is worked on together should not wait for much else."""

WORK_QUEUE_INDEXES = (Index(_COLLECTION, [("enqueued_at", 1)]),)


class WorkQueue:
    """Enqueues, claims in batches, requeues with a delay, and completes."""

    def __init__(
        self,
        mongo: Mongo,
        *,
        keys_per_item: int = _KEYS_PER_ITEM,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._mongo, self._keys_per_item, self._clock = mongo, keys_per_item, clock

    async def enqueue(
        self,
        tenant_id: str,
        lane: str,
        keys: Mapping[str, Sequence[str]] | Iterable[str],
        *,
        at: datetime | None = None,
        not_before: datetime | None = None,
        session: Session | None = None,
    ) -> list[WorkItem]:
        """Adds keys, with details where a mapping gives them, as items of at most `keys_per_item` keys.

        `at` is the moment of the news, now unless an older item is divided; `not_before` delays the work.
        """
        details = keys if isinstance(keys, Mapping) else {}
        enqueued_at, rest = utc(at or self._clock()), iter(sorted(keys))
        items = []
        while batch := tuple(islice(rest, self._keys_per_item)):
            of_batch = {key: details[key] for key in batch if details.get(key)}
            items.append(WorkItem(uuid4().hex, tenant_id, lane, batch, enqueued_at, of_batch))
        documents = [_document(item) | {"not_before": not_before} for item in items]
        await self._rows(tenant_id).insert_many(documents, session=session)
        return items

    async def restore(self, item: WorkItem) -> None:
        """Puts an item back that another worker may have completed in the meantime."""
        await self._rows(item.tenant_id).bulk([Put(_document(item) | {"not_before": None})])

    async def requeue_after(
        self, tenant_id: str, lane: str, keys: Collection[str], *, at: datetime, not_before: datetime
    ) -> None:
        """Adds keys whose work failed, not to be claimed before `not_before`; `at` keeps their age."""
        await self.enqueue(tenant_id, lane, keys, at=at, not_before=not_before)

    async def tenants(self, now: datetime) -> list[str]:
        """The ids of tenants with items that may be claimed now, in order."""
        return sorted(await self._mongo.all_tenants(_COLLECTION).distinct("tenant_id", _due(now)))

    async def claim(
        self,
        tenant_id: str,
        *,
        limit: int,
        now: datetime | None = None,
        lane: str | None = None,
        skip: int = 0,
        session: Session | None = None,
    ) -> list[WorkItem]:
        """The oldest items of one lane, or of all, that may be worked on now."""
        wanted = _due(now or self._clock()) | ({"lane": lane} if lane is not None else {})
        order = [("enqueued_at", 1), ("_id", 1)]
        rows = await self._rows(tenant_id).find(wanted, sort=order, limit=limit, skip=skip, session=session)
        return [_item(row) for row in rows]

    async def lane(self, tenant_id: str, lane: str) -> list[WorkItem]:
        """Every item of a lane, those that are delayed included."""
        return [_item(row) for row in await self._rows(tenant_id).find({"lane": lane})]

    async def complete(self, tenant_id: str, ids: Collection[str], *, session: Session | None = None) -> None:
        """Removes items whose work is stored."""
        if ids:
            await self._rows(tenant_id).remove_many(ids, session=session)

    async def newest(self, tenant_id: str) -> datetime | None:
        """The moment of the youngest item, delayed or not; None when nothing waits."""
        rows = await self._rows(tenant_id).find(sort=[("enqueued_at", -1)], limit=1, fields=["enqueued_at"])
        return rows[0]["enqueued_at"] if rows else None

    async def any_until(self, tenant_id: str, moment: datetime, *, delayed: bool = False) -> bool:
        """Whether an item that was enqueued up to `moment` still waits, or waits with a delay."""
        wanted = {"enqueued_at": {"$lte": moment}, "not_before": {"$ne": None} if delayed else None}
        return bool(await self._rows(tenant_id).find(wanted, limit=1, fields=["_id"]))

    def _rows(self, tenant_id: str) -> Documents:
        return self._mongo.documents(_COLLECTION, tenant_id)


def _due(now: datetime) -> Document:
    return {"$or": [{"not_before": None}, {"not_before": {"$lte": now}}]}


def _document(item: WorkItem) -> Document:
    """Details are kept beside the keys, as a list: a key may hold what a field name must not."""
    return {
        "_id": item.id,
        "lane": item.lane,
        "keys": list(item.keys),
        "details": [list(item.details.get(key, ())) for key in item.keys],
        "enqueued_at": item.enqueued_at,
    }


def _item(row: Document) -> WorkItem:
    keys = tuple(row["keys"])
    details = {key: tuple(more) for key, more in zip(keys, row["details"], strict=True) if more}
    return WorkItem(row["_id"], row["tenant_id"], row["lane"], keys, row["enqueued_at"], details)
