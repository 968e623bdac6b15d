"""Bounds how much of one process's work is of one tenant, so that its far sides hold up no other tenant."""

# Invariant: of the workers of a process at most `most` are at work for one tenant. A far side may answer as
# slowly as it likes, and holds its worker all the while (a long pause that it asks for does not: the run is
# put down, `paused_runs`):
#
#   8 workers, most 2, acme has five marketplaces that never answer   → 2 wait for acme, 6 serve the others

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from typing import TypeVar

T = TypeVar("T")


class TenantShares:
    """The workers that are at work, by tenant. State is kept in memory only: it is of this process alone."""

    def __init__(self, most: int) -> None:
        self._most, self._at_work = most, Counter[str]()
        self._choosing = asyncio.Lock()
        """Held while work is chosen, or two workers would take the same last place."""

    @asynccontextmanager
    async def at_work(
        self, choose: Callable[[Collection[str]], Awaitable[T | None]], tenant_of: Callable[[T], str]
    ) -> AsyncIterator[T | None]:
        """Yields the work that `choose` returns, and counts its tenant's worker during the block.

        `choose` is given the tenants that no further worker may work for, and returns None for no work.
        """
        async with self._choosing:
            full = [tenant_id for tenant_id, workers in self._at_work.items() if workers >= self._most]
            work = await choose(full)
            if work is not None:
                self._at_work[tenant_of(work)] += 1
        try:
            yield work
        finally:
            if work is not None:
                self._give_back(tenant_of(work))

    def _give_back(self, tenant_id: str) -> None:
        self._at_work[tenant_id] -= 1
        if not self._at_work[tenant_id]:
            del self._at_work[tenant_id]
