"""Bounds how much of one process's work is of one tenant, so that its far sides hold up no other tenant."""

# Invariant: of the workers of a process at most `most` are at work for one tenant. A far side may answer as
# slowly as it likes, and holds its worker all the while (a long pause that it asks for does not: the run is
# put down, `paused_runs`):
#
#   8 workers, most 2, acme has five marketplaces that never answer   → 2 wait for acme, 6 serve the others

import asyncio
from collections import Counter


class TenantShares:
    """The workers that are at work, by tenant. State is kept in memory only: it is of this process alone."""

    def __init__(self, most: int) -> None:
        self._most, self._at_work = most, Counter[str]()
        self.choosing = asyncio.Lock()
        """Held from looking at `full` until `take`, or two workers would take the same last place."""

    @property
    def full(self) -> list[str]:
        """The tenants that no further worker may work for."""
        return [tenant_id for tenant_id, workers in self._at_work.items() if workers >= self._most]

    def take(self, tenant_id: str) -> None:
        """Notes that one more worker is at work for the tenant."""
        self._at_work[tenant_id] += 1

    def give_back(self, tenant_id: str) -> None:
        """Notes that a worker has ended; tenants without workers are forgotten."""
        self._at_work[tenant_id] -= 1
        if not self._at_work[tenant_id]:
            del self._at_work[tenant_id]
