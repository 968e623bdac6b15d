"""What is heard is stored, then marked: the lines it concerns are reconciled by a job, not here."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from billing.models.refs import touched_by
from shared.contracts.base import State


class Store(Protocol):
    """Where news is kept."""

    async def keep(self, tenant_id: str, news: Sequence[State]) -> set[str]:
        """Store news of one kind, forward-only; returns refs that the things had before."""


class Marks(Protocol):
    """Where marks are kept."""

    async def mark(self, tenant_id: str, refs: Iterable[str]) -> None: ...


class Observing:
    """Hears observations, decisions and integrations."""

    def __init__(self, store: Store, marks: Marks, *, wake: Callable[[], None]) -> None:
        self._store, self._marks, self._wake = store, marks, wake

    async def observe(self, news: Sequence[State]) -> None:
        """Mark after storing, old news too: killed in between, the batch comes again and heals it."""
        tenants: defaultdict[str, list[State]] = defaultdict(list)
        for one in news:
            tenants[one.tenant_id].append(one)
        for tenant_id, some in tenants.items():
            moved_from = await self._store.keep(tenant_id, some)
            await self._marks.mark(tenant_id, moved_from.union(*map(touched_by, some)))
        self._wake()
