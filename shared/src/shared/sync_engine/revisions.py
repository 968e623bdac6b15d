"""Counts revisions, by integration, so that what was read later carries the larger number."""

# Invariant: a revision is larger than every one before it, and at least the microseconds since the epoch when
# it was taken (architecture §3): so a database that was restored from a backup gives none of them again. The
# time is the document store's, to the millisecond, so that a replica whose clock is ahead does not carry the
# counter away from the time for ever: from then on no restore would be survived, nor told by its revisions.
#
#   stored 41, at 1,764,382,000,000,000 µs         → 1,764,382,000,000,000
#   stored 1,764,382,000,000,000, the same moment  → 1,764,382,000,000,001

from shared.errors import Conflict, TransientError
from shared.mongo import Mongo

COLLECTION = "revisions"
_TRIES = 8
_NOW_MICROSECONDS = {"$multiply": [{"$toLong": "$$NOW"}, 1000]}
# Of a row that is not there yet: nothing plus one is nothing, and the time is more than that.
_NEXT = {"$max": [{"$add": ["$value", 1]}, _NOW_MICROSECONDS]}


class RevisionCounter:
    """Counts up in the service's own database."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def next(self, tenant_id: str, integration_id: str) -> int:
        """Returns a revision that was never given out; take it before the read that it stamps.

        Raises `TransientError` when others keep counting at the same moment.
        """
        rows = self._mongo.documents(COLLECTION, tenant_id)
        for _ in range(_TRIES):
            try:
                row = await rows.take({"_id": integration_id}, [{"$set": {"value": _NEXT}}], upsert=True)
            except Conflict:  # two first counts met; the row exists now
                continue
            if row:  # SecantusDB returns none to the later of two first counts
                return int(row["value"])
        raise TransientError(f"others are counting the revisions of {integration_id}")
