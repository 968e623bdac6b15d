"""What the use cases need of the outside; each is given when the service is built."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from shared.contracts.vendor_sync import SubscriptionStatus
from shared.sync_engine.models import IntegrationState, Run
from vendor_sync.marketplace import Customer, ListPage, SubscriptionDetail, SubscriptionRow
from vendor_sync.runs.detail_queue import DetailEntry, QueueProgress


class Marketplace(Protocol):
    """One marketplace; yields our models, raises our errors."""

    @property
    def held_for(self) -> float:
        """Seconds for which the marketplace lets nobody call."""
        ...

    def accounts(self) -> AsyncIterator[ListPage[Customer]]: ...

    def subscriptions(self, status: SubscriptionStatus) -> AsyncIterator[ListPage[SubscriptionRow]]: ...

    async def account(self, account_id: str) -> Customer | None:
        """One customer read now; None when the marketplace knows none by that id."""
        ...

    async def subscription(self, subscription_id: str) -> SubscriptionDetail | None:
        """One subscription read now; None when the marketplace knows none by that id."""
        ...


Connect = Callable[[IntegrationState], AbstractAsyncContextManager[Marketplace]]
Clock = Callable[[], datetime]


class DetailQueue(Protocol):
    """The subscriptions of an integration, and what the present run has to do with each."""

    async def known(self, run: Run, ids: Sequence[str]) -> Mapping[str, DetailEntry]: ...

    async def fingerprints(self, run: Run) -> dict[str, str]:
        """The fingerprint of each row that this run has on its list, by subscription id."""
        ...

    async def offers(self, run: Run) -> frozenset[str]:
        """The offers of which a detail was read before."""
        ...

    async def add(self, run: Run, entries: Sequence[DetailEntry]) -> None:
        """Entries that were not known; several times as fast as replacing."""
        ...

    async def put(self, run: Run, entries: Sequence[DetailEntry]) -> None: ...

    def due(self, run: Run) -> AsyncIterator[list[DetailEntry]]:
        """Those to read in their order, some at a time; what is put back as due does not come again."""
        ...

    async def vanish(self, run: Run, listed: Collection[str]) -> int:
        """Make due what should be listed but is in no list now; returns how many."""
        ...

    async def stand(self, run: Run) -> QueueProgress: ...

    async def names(self, run: Run) -> Mapping[str, Sequence[str]]:
        """The names under which the details of this run spoke of each service, by its key."""
        ...
