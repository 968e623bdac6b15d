"""Keeps work items in the service's own database, from the moment of the news until the work is stored."""

# Invariant: a key that was enqueued stays in the queue until a result is stored that was computed after the
# news. A producer enqueues after it has stored the news, or in its transaction; a worker reads the due items
# *before* it reads its inputs and completes them *after* it has stored the result. Killed in between, either
# does it again. Each `enqueue` writes documents of its own, so that completing an item takes no later news
# away:
#
#   enqueue {a, b}   enqueue {b}   read → [{a, b}, {b}]   enqueue {a}   complete both → {a} is left
#
# Reading marks nothing: a tenant has one worker at a time, which leads by lease or holds the tenant's lock.

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from uuid import uuid4

from shared.contracts.base import utc
from shared.mongo import Document, Documents, Index, Mongo, Put, Session
from shared.runtime.clock import Clock, utc_now
from shared.work_queue.item import WorkItem

_COLLECTION = "work_items"
_KEYS_PER_ITEM = 250
"""Keys of one item are completed together: the first waits for the last, so an item stays small."""


def work_queue_indexes(collection: str = _COLLECTION) -> tuple[Index, ...]:
    """Returns the indexes of a queue that keeps its items in this collection."""
    return (Index(collection, [("enqueued_at", 1)]),)


WORK_QUEUE_INDEXES = work_queue_indexes()


class WorkQueue:
    """Enqueues keys, hands out due items oldest first, requeues keys that failed, and removes finished items.

    Every method raises `TransientError` while the document store does not answer.
    """

    def __init__(
        self,
        mongo: Mongo,
        *,
        keys_per_item: int = _KEYS_PER_ITEM,
        clock: Clock = utc_now,
        collection: str = _COLLECTION,
    ) -> None:
        """`collection` keeps work apart that others must neither see nor wait for."""
        self._mongo, self._keys_per_item, self._clock = mongo, keys_per_item, clock
        self._collection = collection

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
        """Adds keys as items of at most `keys_per_item` keys, and returns the items; no keys add nothing.

        A mapping gives the details of each key. `at` is the moment of the news, by default now; an item that
        is divided hands its own moment on. Nobody reads the items earlier than `not_before`.
        """
        details = keys if isinstance(keys, Mapping) else {}
        enqueued_at, rest = utc(at or self._clock()), iter(sorted(set(keys)))
        items = []
        while batch := tuple(islice(rest, self._keys_per_item)):
            of_batch = {key: tuple(details[key]) for key in batch if details.get(key)}
            items.append(WorkItem(uuid4().hex, tenant_id, lane, batch, enqueued_at, of_batch))
        documents, rows = [_document(item, not_before) for item in items], self._rows(tenant_id)
        if session is None:
            await rows.insert_new(documents)
        else:
            await rows.insert_many(documents, session=session)
        return items

    async def restore(self, item: WorkItem) -> None:
        """Puts an item back, due at once, which another worker may have completed meanwhile."""
        await self._rows(item.tenant_id).bulk([Put(_document(item, not_before=None))])

    async def requeue_after(
        self,
        tenant_id: str,
        lane: str,
        keys: Mapping[str, Sequence[str]] | Collection[str],
        *,
        at: datetime,
        not_before: datetime,
    ) -> None:
        """Adds keys whose work failed, due at `not_before`; `at` is the moment of their oldest news.

        Call `complete` for the failed items only afterwards: a worker that is killed between the two calls
        leaves the keys in the queue twice, never absent from it.
        """
        await self.enqueue(tenant_id, lane, keys, at=at, not_before=not_before)

    async def tenants(self, now: datetime) -> list[str]:
        """Returns the ids of the tenants that have due items, sorted."""
        return sorted(await self._mongo.all_tenants(self._collection).distinct("tenant_id", _due(now)))

    async def read_due(
        self,
        tenant_id: str,
        *,
        limit: int,
        now: datetime | None = None,
        lane: str | None = None,
        skip: int = 0,
        session: Session | None = None,
    ) -> list[WorkItem]:
        """Returns up to `limit` due items of one lane, or of all, oldest first, after the first `skip`."""
        wanted = _due(now or self._clock()) | ({"lane": lane} if lane is not None else {})
        # By time alone: a tie-breaker would double the time of the embedded store's sort, and which of two
        # items of the same millisecond comes first matters to nobody.
        order = [("enqueued_at", 1)]
        rows = await self._rows(tenant_id).find(wanted, sort=order, limit=limit, skip=skip, session=session)
        return [_item(row) for row in rows]

    async def lane(self, tenant_id: str, lane: str) -> list[WorkItem]:
        """Returns every item of a lane, delayed items included, in no order."""
        return [_item(row) for row in await self._rows(tenant_id).find({"lane": lane})]

    async def complete(self, tenant_id: str, ids: Collection[str], *, session: Session | None = None) -> None:
        """Removes items whose work is stored; ids that are absent already are passed over."""
        if ids:
            await self._rows(tenant_id).remove_many(ids, session=session)

    async def newest(self, tenant_id: str) -> datetime | None:
        """Returns the moment of the youngest item, delayed or not; None when the tenant has no items."""
        rows = await self._rows(tenant_id).find(sort=[("enqueued_at", -1)], limit=1, fields=["enqueued_at"])
        return rows[0]["enqueued_at"] if rows else None

    async def any_until(self, tenant_id: str, moment: datetime, *, delayed: bool = False) -> bool:
        """Tells whether an item of news up to `moment` waits: a fresh item, or a requeued one (`delayed`).

        An item that was requeued counts as delayed even when it is due by now: its first try failed.
        """
        wanted = {"enqueued_at": {"$lte": moment}, "not_before": {"$ne": None} if delayed else None}
        return bool(await self._rows(tenant_id).find(wanted, limit=1, fields=["_id"]))

    def _rows(self, tenant_id: str) -> Documents:
        return self._mongo.documents(self._collection, tenant_id)


def _due(now: datetime) -> Document:
    return {"$or": [{"not_before": None}, {"not_before": {"$lte": now}}]}


def _document(item: WorkItem, not_before: datetime | None) -> Document:
    return {
        "_id": item.id,
        "lane": item.lane,
        "keys": list(item.keys),
        # A list beside the keys, not a mapping: a key may hold a dot or a dollar, a field name must not.
        "details": [list(item.details.get(key, ())) for key in item.keys],
        "enqueued_at": item.enqueued_at,
        "not_before": not_before,
    }


def _item(row: Document) -> WorkItem:
    keys = tuple(row["keys"])
    details = {key: tuple(values) for key, values in zip(keys, row["details"], strict=True) if values}
    return WorkItem(row["_id"], row["tenant_id"], row["lane"], keys, row["enqueued_at"], details)
