"""Lets one replica at a time settle manifests of a tenant, without anybody waiting for anybody."""

# Invariant: what is settled was decided on by what is stored. Whoever looks at manifests reads the counter
# first, and moves it on by one in the transaction that settles them: it fails when the counter has moved, for
# then another replica has let manifests count, or removed parts of them, since this one looked.
#
#   A reads 7, sees r50 part 1 of 2, r60      B reads 7, sees r50 whole
#   A removes the void r50: 7 → 8             B lets r50 count: 7 is gone → B looks again, and finds r60

from shared.errors import TransientError
from shared.mongo import Documents, Mongo, Session

_COLLECTION = "manifest_settlements"


class SettledMeanwhile(TransientError):
    """Another replica has settled manifests of the tenant since they were looked at."""


class SettlementCounter:
    """Counts the transactions that settle manifests, by tenant."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def read(self, tenant_id: str) -> int:
        """Returns how many there were; to be called before the manifests are looked at."""
        row = await self._rows(tenant_id).get(tenant_id)
        if row is None:
            await self._rows(tenant_id).insert_new([{"_id": tenant_id, "count": 0}])
            return await self.read(tenant_id)
        return int(row["count"])

    async def advance_from(self, tenant_id: str, count: int, session: Session) -> None:
        """Counts one more, first of all in a transaction; raises `SettledMeanwhile` at another count."""
        still = {"_id": tenant_id, "count": count}
        if not await self._rows(tenant_id).change(still, {"$inc": {"count": 1}}, session=session):
            raise SettledMeanwhile(f"another replica has settled manifests of {tenant_id}")

    async def advance(self, tenant_id: str, session: Session) -> None:
        """Counts one more, for what changes that counts without having looked at what has come."""
        await self._rows(tenant_id).change({"_id": tenant_id}, {"$inc": {"count": 1}}, session=session)

    def _rows(self, tenant_id: str) -> Documents:
        return self._mongo.documents(_COLLECTION, tenant_id)
