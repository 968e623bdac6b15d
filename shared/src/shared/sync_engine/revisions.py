"""Counts revisions, by integration, so that what was read later carries the larger number."""

from shared.errors import Conflict
from shared.mongo import Mongo

COLLECTION = "revisions"


class RevisionCounter:
    """Counts up in the service's own database."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def next(self, tenant_id: str, integration_id: str) -> int:
        """Returns a revision that was never given out; take it before the read that it stamps."""
        try:
            return await self._increment(tenant_id, integration_id)
        except Conflict:  # two first counts met; the row exists now
            return await self._increment(tenant_id, integration_id)

    async def _increment(self, tenant_id: str, integration_id: str) -> int:
        rows = self._mongo.documents(COLLECTION, tenant_id)
        row = await rows.take({"_id": integration_id}, {"$inc": {"value": 1}}, upsert=True)
        return int(row["value"]) if row else 0
