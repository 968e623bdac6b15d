"""Remembers of which accounts parts of manifests have come that are not settled yet."""

# Invariant: as long as a part is neither named by its account's header nor removed, its account is in the
# queue. A part is stored before its account is queued, and an account leaves the queue after what had come of
# it was looked at and settled. So the parts themselves are never written again, whatever becomes of them.
#
#   part of acme stored → acme queued → settled → acme leaves     killed after "stored": Kafka brings it again
#   part 1 of 2 of acme → acme queued → waits   → acme queued again, a little later each time

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from billing.usage.ref import Ref
from shared.contracts.base import utc
from shared.mongo import Mongo
from shared.runtime.clock import Clock
from shared.work_queue import WorkItem, WorkQueue, work_queue_indexes

_COLLECTION = "manifest_arrivals"
_LANE = "accounts"
_ACCOUNTS_PER_ITEM = 100
_ITEMS_PER_LOOK, _ACCOUNTS_PER_LOOK = 100, 400
"""Of one tenant, so that others have their turn."""
_SHORTEST_PAUSE, _LONGEST_PAUSE = timedelta(milliseconds=250), timedelta(seconds=30)

ARRIVAL_INDEXES = work_queue_indexes(_COLLECTION)


class ManifestArrivals:
    """Queues accounts by the parts of their manifests that have come."""

    def __init__(self, mongo: Mongo, *, clock: Clock) -> None:
        self._clock = clock
        self._queue = WorkQueue(mongo, keys_per_item=_ACCOUNTS_PER_ITEM, clock=clock, collection=_COLLECTION)

    async def note(self, tenant_id: str, accounts: Iterable[str]) -> None:
        """Queues accounts (encoded refs) of which parts were stored."""
        await self._queue.enqueue(tenant_id, _LANE, accounts)

    async def due(self) -> dict[str, list[WorkItem]]:
        """Returns what must be looked at by now, by tenant, the longest in the queue first."""
        now, due = self._clock(), dict[str, list[WorkItem]]()
        for tenant_id in await self._queue.tenants(now):
            accounts = 0
            for item in await self._queue.read_due(tenant_id, limit=_ITEMS_PER_LOOK, now=now, lane=_LANE):
                if accounts < _ACCOUNTS_PER_LOOK:
                    due.setdefault(tenant_id, []).append(item)
                accounts += len(item.keys)
        return due

    async def settle(self, tenant_id: str, items: Sequence[WorkItem], waiting: Collection[Ref]) -> None:
        """Takes accounts from the queue that were looked at.

        Those that still wait are queued again for after as long as they have waited already, within bounds.
        """
        now, left = utc(self._clock()), {account.encode() for account in waiting}
        for at, accounts in _by_age(items, left).items():
            pause = min(max(now - at, _SHORTEST_PAUSE), _LONGEST_PAUSE)
            await self._queue.requeue_after(tenant_id, _LANE, accounts, at=at, not_before=now + pause)
        await self._queue.complete(tenant_id, [item.id for item in items])

    async def unsettled(self, tenant_id: str) -> set[str]:
        """Returns the accounts (encoded refs) in the queue, whether they are due or not."""
        return {account for item in await self._queue.lane(tenant_id, _LANE) for account in item.keys}


def _by_age(items: Iterable[WorkItem], left: Collection[str]) -> Mapping[datetime, Collection[str]]:
    """Those that are left, each once, by the moment of their oldest news."""
    ages: dict[str, datetime] = {}
    for item in items:
        for account in item.keys:
            if account in left:
                ages[account] = min(ages.get(account, item.enqueued_at), item.enqueued_at)
    by_age: dict[datetime, list[str]] = {}
    for account, at in ages.items():
        by_age.setdefault(at, []).append(account)
    return by_age
