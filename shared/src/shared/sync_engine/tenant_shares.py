"""Bounds how much of one process's work is of one tenant, so that its far sides hold up no other tenant."""

# Invariant: of the workers of a process at most `most` are at work for one tenant. A far side may answer as
# slowly as it likes, and holds its worker all the while (a long pause that it asks for does not: the run is
# put down, `paused_runs`):
#
#   8 workers, most 2, acme has five marketplaces that never answer   → 2 wait for acme, 6 serve the others
#
# Workers that have nothing to do look for work again and again, each of them. A look in vain holds for all:
# nobody looks until its rest is over, unless woken or a worker was given back meanwhile.
#
#   8 idle workers, each once a second, rest 1 s   → one look a second, by whoever comes first

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TypeVar

from shared.runtime.clock import monotonic_seconds

T = TypeVar("T")


class TenantShares:
    """The workers that are at work, by tenant. State is kept in memory only: it is of this process alone."""

    def __init__(self, most: int, *, rest: timedelta = timedelta(0)) -> None:
        """`rest` is how long nobody looks after a look in vain."""
        self._most, self._at_work = most, Counter[str]()
        self._choosing = asyncio.Lock()
        """Held while work is chosen, or two workers would take the same last place."""
        self._rest, self._rests_until_seconds, self._wakes = rest, 0.0, 0

    def wake(self) -> None:
        """Has the next worker look: there may be work."""
        self._rests_until_seconds = 0.0
        self._wakes += 1

    @asynccontextmanager
    async def at_work(
        self, choose: Callable[[Collection[str]], Awaitable[T | None]], tenant_of: Callable[[T], str]
    ) -> AsyncIterator[T | None]:
        """Yields the work that `choose` returns, and counts its tenant's worker during the block.

        `choose` is given the tenants that no further worker may work for, and returns None for no work.
        """
        async with self._choosing:
            work = await self._choose(choose)
            if work is not None:
                self._at_work[tenant_of(work)] += 1
        try:
            yield work
        finally:
            if work is not None:
                self._give_back(tenant_of(work))

    async def _choose(self, choose: Callable[[Collection[str]], Awaitable[T | None]]) -> T | None:
        if monotonic_seconds() < self._rests_until_seconds:
            return None
        full = [tenant_id for tenant_id, workers in self._at_work.items() if workers >= self._most]
        wakes = self._wakes
        work = await choose(full)
        if work is None and wakes == self._wakes:  # what woke it may have come after the look
            self._rests_until_seconds = monotonic_seconds() + self._rest.total_seconds()
        return work

    def _give_back(self, tenant_id: str) -> None:
        self.wake()
        self._at_work[tenant_id] -= 1
        if not self._at_work[tenant_id]:
            del self._at_work[tenant_id]
