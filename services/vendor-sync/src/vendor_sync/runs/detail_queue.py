"""Plans which details a run reads, and in which order; pure."""

# Invariant: what a run counts as read was read by it, or is unchanged since a reading that is fresh.
#
#   full run, every row                                                     DUE
#   quick run, row unchanged since a reading younger than the freshness     KEPT
#   quick run, row changed, reading too old, never read, or absent before   DUE
#   last listing, a row that changed or came since the first                DUE again
#
# One subscription of each offer is read first, so all services can be mapped before all quantities are read:
#
#   listed a1 a2 b1 b2, offer b was read before this run → a1 NEW_OFFER, b1 KNOWN_OFFER, a2 and b2 REST

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import IntEnum, StrEnum

from shared.contracts.base import RunKind
from shared.contracts.vendor_sync import SubscriptionStatus
from vendor_sync.marketplace import SubscriptionRow

_ONE_DAY = timedelta(days=1)


class DetailState(StrEnum):
    """Where a subscription stands in the run that listed it last."""

    DUE = "due"
    DONE = "done"
    KEPT = "kept"
    """A quick run saw that it is unchanged and was read lately."""
    FAILED = "failed"


class DetailRank(IntEnum):
    """The order in which due details are read: lower ranks first."""

    NEW_OFFER = 0
    """The first subscription of an offer that was never read before."""
    KNOWN_OFFER = 1
    """The first subscription of an offer that was read before."""
    REST = 2


@dataclass(frozen=True, slots=True)
class DetailEntry:
    """What is known of a subscription beside its observation, and what the present run has to do with it."""

    row: SubscriptionRow
    run_id: str
    state: DetailState
    rank: DetailRank
    status: SubscriptionStatus
    """The detail's, when it was read since the row changed; else the row's."""
    gone: bool = False
    """The marketplace answered that there is no such subscription."""
    read_at: datetime | None = None
    """When its detail was read last; None before the first time."""
    read_fingerprint: str = ""
    """The fingerprint of the row that was listed when the detail was read."""
    sold: tuple[tuple[str, str], ...] = ()
    """Key and name of each service in the detail, when it was read in this run."""
    why: str = ""
    """Why its detail could not be read."""

    @property
    def subscription_id(self) -> str:
        return self.row.subscription_id


@dataclass(slots=True)
class OfferOrder:
    """Ranks the rows of one listing, in the order in which they are listed."""

    read_before: frozenset[str]
    """Offers of which a detail was read before this run."""
    ranked: set[str] = field(default_factory=set)
    """Offers of which a row was ranked already."""

    def rank(self, row: SubscriptionRow) -> DetailRank:
        if row.offer in self.ranked:
            return DetailRank.REST
        self.ranked.add(row.offer)
        return DetailRank.KNOWN_OFFER if row.offer in self.read_before else DetailRank.NEW_OFFER


@dataclass(frozen=True, slots=True)
class DetailPlan:
    """Decides whether the detail of a listed subscription is due."""

    run_id: str
    kind: RunKind
    now: datetime
    freshness: timedelta
    """How old a reading may be for a quick run to keep it."""
    order: OfferOrder

    def decide_at_first_listing(self, row: SubscriptionRow, existing: DetailEntry | None) -> DetailEntry:
        """Returns the entry of a row; a listing that is repeated changes no decision."""
        if existing and existing.run_id == self.run_id:
            return replace(existing, row=row)
        return self._decide(row, existing)

    def decide_at_last_listing(self, row: SubscriptionRow, existing: DetailEntry | None) -> DetailEntry:
        """Returns the entry of a row that is new, or changed since the first listing: it is due."""
        if existing and existing.run_id == self.run_id:
            return replace(existing, row=row, state=DetailState.DUE)
        return self._decide(row, existing)

    def _decide(self, row: SubscriptionRow, existing: DetailEntry | None) -> DetailEntry:
        # What was absent and came back has no number until it is read: as if never read before.
        last_read = existing if existing and not existing.gone else None
        kept = last_read is not None and self._is_fresh(last_read, row)
        return DetailEntry(
            row,
            self.run_id,
            DetailState.KEPT if kept else DetailState.DUE,
            self.order.rank(row),
            last_read.status if last_read and kept else row.status,
            read_at=last_read.read_at if last_read else None,
            read_fingerprint=last_read.read_fingerprint if last_read else "",
        )

    def _is_fresh(self, last_read: DetailEntry, row: SubscriptionRow) -> bool:
        """Tells whether a quick run may keep what was read; a full run never does."""
        read_at = last_read.read_at
        if self.kind is RunKind.FULL or read_at is None or last_read.read_fingerprint != row.fingerprint:
            return False
        # The date of change has the day as its finest unit, in no known time zone: a change on the day of the
        # reading, or on the day before, may have come after it (Ingram Micro §6, dates).
        changed_since = row.modified_on is not None and row.modified_on >= (read_at - _ONE_DAY).date()
        return self.now - read_at < self.freshness and not changed_since


@dataclass(frozen=True, slots=True)
class QueueProgress:
    """How far a run's queue is worked off."""

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
        """The share that was read, or seen to be unchanged, 0 to 1 with four decimals."""
        return round(Decimal(self.done + self.kept) / self.total, 4) if self.total else Decimal(1)
