"""What is heard is stored, then marked: the lines it concerns are reconciled by a job, not here."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from billing.observations.change_notice import ChangeNotice, told_of, touched_by
from shared.contracts.base import State


class ObservationStore(Protocol):
    """Where news is kept."""

    async def keep(self, tenant_id: str, told: Sequence[ChangeNotice]) -> set[str]:
        """Store news of one kind, forward-only; returns refs that the things had before."""


class Arrivals(Protocol):
    """Where it is kept which things were told of since when."""

    async def note(self, tenant_id: str, told: Sequence[ChangeNotice]) -> None: ...


class Marks(Protocol):
    """Where marks are kept."""

    async def mark(self, tenant_id: str, touched: Mapping[str, Sequence[str]]) -> None: ...


class ObservationIngestor:
    """Hears observations, decisions and integrations."""

    def __init__(
        self, store: ObservationStore, arrivals: Arrivals, marks: Marks, *, wake: Callable[[], None]
    ) -> None:
        self._store, self._arrivals, self._marks, self._wake = store, arrivals, marks, wake

    async def observe(self, news: Sequence[State]) -> None:
        """Store, mark, note: killed in between, the batch comes again, and old news is marked and noted too.

        What is noted is stored and marked already: a run that counts what was noted can wait for the marks.
        """
        tenants: defaultdict[str, list[ChangeNotice]] = defaultdict(list)
        for one in news:
            tenants[one.tenant_id].append(told_of(one))
        for tenant_id, told in tenants.items():
            moved_from = await self._store.keep(tenant_id, told)
            touched: dict[str, Sequence[str]] = {**dict.fromkeys(moved_from, ()), **touched_by(told)}
            await self._marks.mark(tenant_id, touched)
            await self._arrivals.note(tenant_id, told)
        self._wake()
