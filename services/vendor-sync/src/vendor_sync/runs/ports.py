"""What the steps need of the outside; each is given when the service is built."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from shared.contracts.vendor_sync import SubscriptionStatus
from shared.sync_engine.manifest_publisher import ManifestPublisher
from shared.sync_engine.models import IntegrationState, Run
from vendor_sync.marketplace import Customer, ListPage, SubscriptionDetail, SubscriptionRow
from vendor_sync.runs.account_collect import AccountCollect
from vendor_sync.runs.answers import DetailAnswer
from vendor_sync.runs.detail_queue import DetailEntry, DetailRank, QueueProgress


class Marketplace(Protocol):
    """One marketplace; yields our models, raises our errors."""

    def accounts(self) -> AsyncIterator[ListPage[Customer]]: ...

    def subscriptions(self, status: SubscriptionStatus) -> AsyncIterator[ListPage[SubscriptionRow]]: ...

    def account_subscriptions(self, account_id: str) -> AsyncIterator[ListPage[SubscriptionRow]]:
        """Lists the subscriptions of one customer, of every status.

        A marketplace that ignores the filter yields other customers' rows as well: look at each.
        """
        ...

    async def account(self, account_id: str) -> Customer | None:
        """Reads one customer now; None when the marketplace has none by that id."""
        ...

    async def subscription(self, subscription_id: str) -> SubscriptionDetail | None:
        """Reads one subscription now; None when the marketplace has none by that id."""
        ...


Connect = Callable[[IntegrationState], AbstractAsyncContextManager[Marketplace]]
"""Opens the marketplace of an integration, with its credentials, for as long as the context lasts."""


@dataclass(frozen=True, slots=True)
class AccountProgress:
    """How far the queue of one account is worked off."""

    due: int = 0
    """How many details of it the run has yet to read."""
    asked_revision: int = 0
    """Taken before the newest of its answered calls, of any run."""
    live: int = 0
    """How many subscriptions it has."""


class QueueOverview(NamedTuple):
    """How far the queue is worked off, as a whole and account by account."""

    progress: QueueProgress
    accounts: Mapping[str, AccountProgress]
    """Every account that ever had a subscription, by account id."""


class DetailQueue(Protocol):
    """The subscriptions of an integration, account by account, and what the present run has to do with each.

    A protocol although `DetailQueueRepository` alone implements it: the run definition and its steps do no
    I/O themselves (an import contract), so they must not import a repository.
    """

    async def discard_outdated(self, run: Run) -> None:
        """Removes what an earlier build stored in another shape."""
        ...

    async def existing(self, run: Run, keys: Collection[str]) -> Mapping[str, DetailEntry]:
        """Returns the entries that exist, by their keys."""
        ...

    async def fingerprints(self, run: Run) -> dict[str, str]:
        """Returns the fingerprint of each row that this run has seen listed, by the entry's key."""
        ...

    async def offers(self, run: Run) -> frozenset[str]:
        """Returns the offers of which a detail was read, or is to be read first in this run."""
        ...

    async def insert(self, run: Run, entries: Sequence[DetailEntry]) -> None:
        """Stores entries that did not exist; several times as fast as replacing."""
        ...

    async def replace(self, run: Run, entries: Sequence[DetailEntry]) -> None:
        """Stores entries in place of those that exist; raises `LeaseLost` when another worker has the run."""
        ...

    def due(self, run: Run, rank: DetailRank) -> AsyncIterator[list[DetailEntry]]:
        """Yields those to read, of one rank, account by account, page by page.

        What is put back as due does not come again.
        """
        ...

    def keys(self, run: Run) -> AsyncIterator[tuple[str, str]]:
        """Yields the account id and the key of every entry."""
        ...

    async def make_vanished_due(self, run: Run, listed_keys: Collection[str], *, listed_before: bool) -> int:
        """Makes due what an account has but no list shows now; returns how many.

        With `listed_before` only what an earlier list of this run showed.
        """
        ...

    async def progress(self, run: Run) -> QueueProgress: ...

    async def overview(self, run: Run) -> QueueOverview:
        """Returns how far all is, in one look at the whole queue."""
        ...

    async def failed(self, run: Run, limit: int) -> list[DetailEntry]:
        """Returns the first of those that this run could not read, account by account."""
        ...

    async def items(self, run: Run) -> frozenset[str]:
        """Returns the ids of the services by which any account has anything."""
        ...

    async def service_names(self, run: Run) -> Mapping[str, Sequence[str]]:
        """Returns the names that the details of this run give each service, by its key."""
        ...


class CollectStore(Protocol):
    """How far a run is with the accounts in which something changed; a protocol as `DetailQueue` is one."""

    async def of_run(self, run: Run) -> dict[str, AccountCollect]:
        """Returns what the run has stored, by account id."""
        ...

    async def put(self, run: Run, collects: Sequence[AccountCollect]) -> None:
        """Stores these in place of what was stored before; raises `LeaseLost` like `DetailQueue.replace`."""
        ...

    async def can_list_accounts(self, run: Run) -> bool:
        """Tells whether the run has not found that the marketplace cannot list one account alone."""
        ...

    async def note_no_account_lists(self, run: Run) -> None:
        """Remembers for the run that the marketplace ignores which account is asked for."""
        ...


class ServiceStore(Protocol):
    """What is known of how services are billed; a protocol as `DetailQueue` is one."""

    async def of_integration(self, run: Run) -> Mapping[str, frozenset[str]]:
        """Returns the services that are billed together with a service, by its id."""
        ...


class JournalStore(Protocol):
    """Keeps answers from when they are given until they are stored; a protocol as `DetailQueue` is one."""

    async def append(self, run: Run, group: int, answers: Sequence[DetailAnswer]) -> None:
        """Stores answers in one write, under a number that grows with each group of this worker."""
        ...

    def left(self, run: Run) -> AsyncIterator[list[DetailAnswer]]:
        """Yields the answers that earlier workers of the run left behind, in their order."""
        ...

    async def discard(self, run: Run, *, up_to: int) -> None:
        """Removes the groups of this worker up to this number."""
        ...

    async def clear(self, run: Run) -> None:
        """Removes every answer of this integration."""
        ...


@dataclass(frozen=True, slots=True)
class VendorRunStores:
    """What runs of marketplaces keep between their steps, and from run to run."""

    queue: DetailQueue
    collects: CollectStore
    journal: JournalStore
    manifests: ManifestPublisher
    services: ServiceStore
