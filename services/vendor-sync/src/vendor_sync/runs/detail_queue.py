"""Plans which details a run reads, and in which order; pure."""

# Invariant: what a run counts as read was read by it, or is unchanged since a reading that is fresh.
#
#   full run, every row                                                     DUE
#   quick run, row unchanged since a reading younger than the freshness     KEPT
#   quick run, row changed, reading too old, never read, or absent before   DUE
#   a later listing, a row that changed or came since                       DUE again
#
# An entry is of one account: a subscription that moves leaves an entry behind, which is read to have moved.
#
# One subscription of each offer that was never seen before is read first, so that all services can be mapped
# before all quantities are read. It is read again with its account, for all of an account is read together:
#
#   listed a1 a2 b1 b2, offer b was read before this run → a1 NEW_OFFER, then all four ACCOUNT by account

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import IntEnum, StrEnum

from shared.contracts.base import RunKind, key_of
from shared.contracts.vendor_sync import SubscriptionStatus
from vendor_sync.marketplace import ENDED, RefusedRow, SubscriptionRow

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
    ACCOUNT = 1
    """Read together with all that its account has."""


@dataclass(frozen=True, slots=True)
class DetailEntry:
    """What is known of a subscription of an account, and what the present run has to do with it."""

    row: SubscriptionRow
    run_id: str
    state: DetailState
    rank: DetailRank
    listed: bool = True
    """Whether the newest list of the run shows it."""
    gone: bool = False
    """The marketplace answered that there is no such subscription."""
    live: bool = True
    """Whether the account has it, by the last reading: it has neither ended nor moved, and is not gone."""
    read_at: datetime | None = None
    """When its detail was read last; None before the first time."""
    read_revision: int = 0
    """Taken before that reading."""
    asked_revision: int = 0
    """Taken before it was asked for last, whatever came of it."""
    read_fingerprint: str = ""
    """The fingerprint of the row that was listed when the detail was read."""
    statement_revision: int = 0
    """Of the observation that states it; 0 before the first reading."""
    digest: str = ""
    """Of what the last reading said."""
    changed_revision: int = 0
    """Taken after the last reading that said something else than the one before."""
    items: tuple[str, ...] = ()
    """Ids of the services that the account has by it, by the last reading."""
    former_items: tuple[str, ...] = ()
    """Those by the newest manifest before `changed_revision`, and by the readings since."""
    sold: tuple[tuple[str, str], ...] = ()
    """Key and name of each service in the detail that was read last."""
    why: str = ""
    """Why its detail could not be read, the last time that it was asked for."""

    @property
    def subscription_id(self) -> str:
        return self.row.subscription_id

    @property
    def account_id(self) -> str:
        return self.row.account_id

    @property
    def is_listed_live(self) -> bool:
        """Whether the newest list shows it, and not as ended."""
        return self.listed and self.row.status not in ENDED

    @property
    def key(self) -> str:
        return entry_key(self.row)

    def due_again(self, run_id: str, *, listed: bool | None = None) -> "DetailEntry":
        """Returns the entry as it is to be read with its account, once more if it was read already."""
        shown = self.listed if listed is None else listed
        return replace(
            self, run_id=run_id, state=DetailState.DUE, rank=DetailRank.ACCOUNT, listed=shown, why=""
        )


def entry_of_refused(row: RefusedRow, run_id: str) -> DetailEntry | None:
    """Returns the entry of a row that could not be understood: its detail says more, or why it says nothing.

    None when the row does not say whose subscription it is about.
    """
    if row.id is None or row.account_id is None:
        return None
    unknown = SubscriptionRow(row.id, row.account_id, row.id, SubscriptionStatus.UNKNOWN)
    return DetailEntry(unknown, run_id, DetailState.DUE, DetailRank.ACCOUNT, listed=False)


def entry_key(row: SubscriptionRow) -> str:
    """Returns what identifies an entry within its integration; the entries of an account sort together."""
    return key_of(row.account_id, row.subscription_id)


@dataclass(slots=True)
class OfferOrder:
    """Ranks the rows of one listing, in the order in which they are listed."""

    known: frozenset[str]
    """Offers of which a detail was read before, or has its rank in this run."""
    ranked: set[str] = field(default_factory=set)
    """Offers of which a row was ranked already."""

    def rank(self, row: SubscriptionRow) -> DetailRank:
        if row.offer in self.known or row.offer in self.ranked:
            return DetailRank.ACCOUNT
        self.ranked.add(row.offer)
        return DetailRank.NEW_OFFER


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
            return replace(existing, row=row, listed=True)
        return self._decide(row, existing, self.order.rank(row))

    def decide_at_later_listing(self, row: SubscriptionRow, existing: DetailEntry | None) -> DetailEntry:
        """Returns the entry of a row that is new, or changed since the first listing: it is due."""
        if existing and existing.run_id == self.run_id:
            return replace(existing, row=row).due_again(self.run_id, listed=True)
        return self._decide(row, existing, DetailRank.ACCOUNT)

    def _decide(self, row: SubscriptionRow, existing: DetailEntry | None, rank: DetailRank) -> DetailEntry:
        if existing is None:
            return DetailEntry(row, self.run_id, DetailState.DUE, rank)
        kept = self._is_fresh(existing, row)
        return replace(
            existing,
            row=row,
            run_id=self.run_id,
            state=DetailState.KEPT if kept else DetailState.DUE,
            rank=rank,
            listed=True,
            # What was absent and came back has no number until it is read: as if never read before.
            gone=False,
            read_at=None if existing.gone else existing.read_at,
            why=existing.why if kept else "",
        )

    def _is_fresh(self, last_read: DetailEntry, row: SubscriptionRow) -> bool:
        """Tells whether a quick run may keep what was read; a full run never does."""
        read_at = last_read.read_at
        if self.kind is RunKind.FULL or last_read.gone or read_at is None:
            return False
        if last_read.read_fingerprint != row.fingerprint:
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

    @property
    def total(self) -> int:
        return self.due + self.done + self.kept + self.failed

    @property
    def coverage(self) -> Decimal:
        """The share that was read, or seen to be unchanged, 0 to 1 with four decimals."""
        return round(Decimal(self.done + self.kept) / self.total, 4) if self.total else Decimal(1)
