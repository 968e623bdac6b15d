"""What the steps need of the outside; each is given when the service is built."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from shared.contracts.vendor_sync import SubscriptionStatus
from shared.sync_engine.models import IntegrationState, Run
from vendor_sync.marketplace import Customer, ListPage, SubscriptionDetail, SubscriptionRow
from vendor_sync.runs.detail_queue import DetailEntry, QueueProgress


class Marketplace(Protocol):
    """One marketplace; yields our models, raises our errors."""

    def accounts(self) -> AsyncIterator[ListPage[Customer]]: ...

    def subscriptions(self, status: SubscriptionStatus) -> AsyncIterator[ListPage[SubscriptionRow]]: ...

    async def account(self, account_id: str) -> Customer | None:
        """Reads one customer now; None when the marketplace has none by that id."""
        ...

    async def subscription(self, subscription_id: str) -> SubscriptionDetail | None:
        """Reads one subscription now; None when the marketplace has none by that id."""
        ...


Connect = Callable[[IntegrationState], AbstractAsyncContextManager[Marketplace]]
"""Opens the marketplace of an integration, with its credentials, for as long as the context lasts."""


class DetailQueue(Protocol):
    """The subscriptions of an integration, and what the present run has to do with each.

    A protocol although `DetailQueueRepository` alone implements it: the run definition and its steps do no
    I/O themselves (an import contract), so they must not import a repository.
    """

    async def existing(self, run: Run, ids: Sequence[str]) -> Mapping[str, DetailEntry]:
        """Returns the entries that exist, by subscription id."""
        ...

    async def fingerprints(self, run: Run) -> dict[str, str]:
        """Returns the fingerprint of each row that this run has queued, by subscription id."""
        ...

    async def offers(self, run: Run) -> frozenset[str]:
        """Returns the offers of which a detail was read before."""
        ...

    async def insert(self, run: Run, entries: Sequence[DetailEntry]) -> None:
        """Stores entries that did not exist; several times as fast as replacing."""
        ...

    async def replace(self, run: Run, entries: Sequence[DetailEntry]) -> None:
        """Stores entries in place of those that exist; raises `LeaseLost` when another worker has the run."""
        ...

    def due(self, run: Run) -> AsyncIterator[list[DetailEntry]]:
        """Yields those to read in their order, page by page; what is put back as due does not come again."""
        ...

    async def make_vanished_due(self, run: Run, listed_ids: Collection[str]) -> int:
        """Makes due what should be listed but is in no list now; returns how many."""
        ...

    async def progress(self, run: Run) -> QueueProgress: ...

    async def service_names(self, run: Run) -> Mapping[str, Sequence[str]]:
        """Returns the names that the details of this run give each service, by its key."""
        ...
