"""Counts revisions, by integration, so that what was read later carries the larger number."""

# Invariant: a revision is larger than every one before it, and than the microseconds since the epoch when it
# was taken (architecture §3): so a database that was restored from a backup gives none of them again.
#
#   stored 41, at 1,764,382,000,000,000 µs       → 1,764,382,000,000,001
#   stored 1,764,382,000,000,001, a clock behind → 1,764,382,000,000,002

from collections.abc import Callable

from shared.errors import Conflict
from shared.mongo import Mongo
from shared.runtime.clock import unix_nanoseconds

COLLECTION = "revisions"


class RevisionCounter:
    """Counts up in the service's own database."""

    def __init__(self, mongo: Mongo, *, now_ns: Callable[[], int] = unix_nanoseconds) -> None:
        self._mongo, self._now_ns = mongo, now_ns

    async def next(self, tenant_id: str, integration_id: str) -> int:
        """Returns a revision that was never given out; take it before the read that it stamps."""
        try:
            return await self._increment(tenant_id, integration_id)
        except Conflict:  # two first counts met; the row exists now
            return await self._increment(tenant_id, integration_id)

    async def _increment(self, tenant_id: str, integration_id: str) -> int:
        rows = self._mongo.documents(COLLECTION, tenant_id)
        # Two steps, for one change cannot do both to a field; whoever comes in between only counts further.
        reached = {"$max": {"value": self._now_ns() // 1000}}
        await rows.change({"_id": integration_id}, reached, upsert=True)
        row = await rows.take({"_id": integration_id}, {"$inc": {"value": 1}}, upsert=True)
        return int(row["value"]) if row else 0
