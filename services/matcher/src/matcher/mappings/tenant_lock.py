"""Lets one transaction at a time decide for a tenant, across all replicas and a person's requests."""

# Invariant: two units of work of one tenant never rest on the same state. A transaction reads a snapshot, so
# two that read what the other changes, and write different rows, would both commit:
#
#   matching reads "not finished"   a person finishes, counting on 1 → 9   matching revokes 1 → 9: both commit
#
# So each begins by writing the same row of its tenant. The second writer conflicts with the first, is run
# again by the driver after the first has committed, and reads what the first has decided. Reading that row
# would not do: transactions conflict on writes alone.

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from matcher.mappings.indexes import TURNS
from shared.errors import TransientError
from shared.mongo import Mongo, Session
from shared.outbox import Outbox

T = TypeVar("T")


class TenantLock:
    """Runs transactions of a tenant one after the other."""

    def __init__(self, mongo: Mongo, outbox: Outbox) -> None:
        self._mongo, self._outbox = mongo, outbox
        self._prepared: set[str] = set()
        """Tenants whose row is known to be there."""

    async def run(self, tenant_id: str, work: Callable[[Session], Coroutine[Any, Any, T]]) -> T:
        """Runs `work` in a transaction that has the tenant to itself; a conflict runs it again."""
        turns = self._mongo.documents(TURNS, tenant_id)
        if tenant_id not in self._prepared:
            # Outside the transaction: two that insert the row at once would not conflict, one would fail.
            await turns.insert_new([{"_id": tenant_id, "taken": 0}])
            self._prepared.add(tenant_id)

        async def locked(session: Session) -> T:
            if not await turns.change({"_id": tenant_id}, {"$inc": {"taken": 1}}, session=session):
                self._prepared.discard(tenant_id)
                raise TransientError(f"the lock of {tenant_id} is gone, as after a restore of the database")
            return await work(session)

        result = await self._mongo.transaction(locked)
        self._outbox.wake()  # after the commit, or the relay would find nothing yet
        return result
