"""The to-do list of a run: which details are due, and in which order."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from shared.contracts.base import RunKind
from shared.contracts.vendor_sync import SubscriptionStatus
from vendor_sync.marketplace import SubscriptionRow

RANKS = (0, 1, 2)
"""What `OfferOrder` tells apart; the last can wait."""

_A_DAY = timedelta(days=1)


class DetailState(StrEnum):
    """Where a subscription stands in the run that listed it last."""

    DUE = "due"
    DONE = "done"
    KEPT = "kept"
    """A quick run saw that it is unchanged and read lately."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class DetailEntry:
    """What is known of a subscription beside its observation, and what the present run has to do with it."""

    row: SubscriptionRow
    run_id: str
    state: DetailState
    rank: int
    status: SubscriptionStatus
    """As the detail said, when it was read since the row changed; else as the list did."""
    gone: bool = False
    read_at: datetime | None = None
    """When its detail was read last; None before the first time."""
    read_fingerprint: str = ""
    """The fingerprint of the row that was listed when the detail was read."""
    sold: tuple[tuple[str, str], ...] = ()
    """Key and name of each service that the detail spoke of, when it was read in this run."""
    why: str = ""
    """Why its detail could not be read."""

    @property
    def subscription_id(self) -> str:
        return self.row.subscription_id


@dataclass(slots=True)
class OfferOrder:
    """Which detail comes first: one of each offer that was never read, one of each other offer, the rest.

    So every service is known, and can be mapped, long before every quantity is.
    """

    known: frozenset[str]
    """Offers of which a detail was read before this run."""
    taken: set[str] = field(default_factory=set)

    def rank(self, row: SubscriptionRow) -> int:
        if row.offer in self.taken:
            return 2
        self.taken.add(row.offer)
        return 1 if row.offer in self.known else 0


@dataclass(frozen=True, slots=True)
class DetailPlan:
    """What decides whether a detail is due."""

    run_id: str
    kind: RunKind
    now: datetime
    freshness: timedelta
    order: OfferOrder

    def listed_first(self, row: SubscriptionRow, before: DetailEntry | None) -> DetailEntry:
        """As the first listing of the run shows it; a listing that is repeated changes no decision."""
        if before and before.run_id == self.run_id:
            return replace(before, row=row)
        return self._entered(row, before)

    def listed_again(self, row: SubscriptionRow, before: DetailEntry | None) -> DetailEntry:
        """What the listing at the end shows as new, or as changed since the first, is due."""
        if before and before.run_id == self.run_id:
            return replace(before, row=row, state=DetailState.DUE)
        return self._entered(row, before)

    def _entered(self, row: SubscriptionRow, before: DetailEntry | None) -> DetailEntry:
        """What came back after it was gone has no number until it is read."""
        read = before if before and not before.gone else None
        kept = read is not None and self._is_fresh(read, row)
        return DetailEntry(
            row,
            self.run_id,
            DetailState.KEPT if kept else DetailState.DUE,
            self.order.rank(row),
            read.status if read and kept else row.status,
            read_at=read.read_at if read else None,
            read_fingerprint=read.read_fingerprint if read else "",
        )

    def _is_fresh(self, before: DetailEntry, row: SubscriptionRow) -> bool:
        """Only a quick run asks; a row's date of change has the day as its finest unit."""
        if self.kind is RunKind.FULL or before.read_at is None or before.read_fingerprint != row.fingerprint:
            return False
        # A change on the day of the reading, or the day before in another time zone, may not be in it.
        late = row.modified_on is not None and row.modified_on >= (before.read_at - _A_DAY).date()
        return self.now - before.read_at < self.freshness and not late


@dataclass(frozen=True, slots=True)
class QueueProgress:
    """How far a run's to-do list is done."""

    due: int = 0
    done: int = 0
    kept: int = 0
    failed: int = 0
    failure: str = ""
    """One of the reasons, as an example."""

    @property
    def total(self) -> int:
        return self.due + self.done + self.kept + self.failed

    @property
    def coverage(self) -> Decimal:
        """Share that was read, or seen to be unchanged."""
        return round(Decimal(self.done + self.kept) / self.total, 4) if self.total else Decimal(1)
