"""What one account has by the readings so far, and whether that can be published; pure."""

# Invariant: what is published by itself rests on two collects that agree, or is the first manifest of its
# account. A difference is read again, together with all that its services are sold by; at most three times.
#
#   nothing differs from the manifest before        PUBLISH, and no call was made for it
#   10 → 12                                         LIST the account's subscriptions, read the services again
#   something ended, or the marketplace cannot list one account
#                                                   WAIT for the lists at the end: a renewal ends one id, and
#                                                   its new id may be in no list yet
#   differs once more after three collects          PUBLISH as it is, named as moving: no sum of it counts

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from types import MappingProxyType

from shared.contracts.manifest import ListingExtent
from shared.sync_engine.account_manifest import (
    AccountManifest,
    CollectedThing,
    ItemRecord,
    awaited_listing,
    item_records,
)
from shared.sync_engine.stamp import moment_of
from vendor_sync.runs.detail_queue import DetailEntry, DetailState

MAX_COLLECTS = 3
"""How often the things of an account are read in one run until two readings agree."""
RENEWALS_LISTED_WITHIN = timedelta(hours=12)
"""How long lists may fail to show the new id of a renewal: hours (Ingram Micro §8 no. 3), and so few that a
daily run which read the end of the old id confirms it the day after."""

NOTHING_TOGETHER: Mapping[str, frozenset[str]] = MappingProxyType({})


class NextMove(Enum):
    """What is to be done with an account of which nothing is being read."""

    READ = "read"
    """Something of it is due."""
    PUBLISH = "publish"
    LIST = "list"
    WAIT = "wait"


@dataclass(frozen=True, slots=True)
class AccountListing:
    """The listing that the ids of an account rest on."""

    revision: int
    """Taken before it began."""
    extent: ListingExtent


@dataclass(frozen=True, slots=True)
class AccountCollect:
    """How far a run is with collecting one account; stored from its second collect on."""

    account_id: str
    listing: AccountListing
    collects: int = 1
    began_at: datetime | None = None
    """When the first collect began; None while that is going on."""
    waits: bool = False
    """Whether the second collect waits for the lists at the end of the run."""
    concerned_items: tuple[str, ...] = ()
    """The services that it reads again then."""
    trouble: str = ""
    """Why it was published although its collects did not agree."""

    def after_lists(self, lists: AccountListing) -> "AccountCollect":
        """Returns the collect that rests on these lists of all accounts, if they are newer than its own."""
        if lists.revision <= self.listing.revision:
            return self
        return replace(self, listing=lists, collects=self.collects + 1, waits=False)


@dataclass(frozen=True, slots=True)
class CollectRules:
    """What a step may still do to make collects agree."""

    may_wait: bool
    """Whether the lists are still read again in this run."""
    can_list: bool
    """Whether the marketplace lists the subscriptions of one account alone."""


class CollectedAccount:
    """Gathers the entries of one account into its manifest; the entries themselves are not kept."""

    def __init__(
        self,
        collect: AccountCollect,
        *,
        run_id: str,
        manifest_revision: int,
        records: Mapping[str, ItemRecord],
        listed_within: timedelta = RENEWALS_LISTED_WITHIN,
    ) -> None:
        """`manifest_revision` and `records` are of the newest manifest: 0 and none before the first."""
        self.collect, self._run_id, self._records_before = collect, run_id, records
        self._manifest_revision, self._listed_within = manifest_revision, listed_within
        self._things: list[CollectedThing] = []
        self._items_read: set[str] = set()
        self._read_at: list[datetime] = []
        self._items: dict[tuple[str, ...], frozenset[str]] = {}
        self.due = 0
        self.has_ended = False
        """Whether something that counted ended, moved or is gone since the manifest before."""

    @property
    def has_manifest(self) -> bool:
        return self._manifest_revision > 0

    def add(self, entry: DetailEntry) -> None:
        self.due += entry.run_id == self._run_id and entry.state is DetailState.DUE
        thing = self._thing(entry)
        if thing is None:
            return
        self._things.append(thing)
        self.has_ended |= not thing.live and bool(thing.former_items)
        if entry.run_id == self._run_id and entry.state is DetailState.DONE and thing.read_at:
            self._items_read |= thing.concerned_items
            self._read_at.append(thing.read_at)

    def manifest(self, now: datetime) -> AccountManifest:
        listing = self.collect.listing
        # What it does not name was not there when it was listed, which may be days before the first reading.
        return AccountManifest(
            account_id=self.collect.account_id,
            things=self._things,
            records=item_records(self._things, self._records_before, listed_within=self._listed_within),
            listing=listing.extent,
            listed_revision=listing.revision,
            read_from=min([*self._read_at, self.collect.began_at or now, moment_of(listing.revision)]),
            read_until=max(self._read_at, default=now),
        )

    def concerned_items(
        self, manifest: AccountManifest, together: Mapping[str, frozenset[str]] = NOTHING_TOGETHER
    ) -> frozenset[str]:
        """Returns the services to collect again: those that this run read and found to differ.

        With them come those that are billed together with one of them (`together`): a sum needs an instant
        at which all of its parts were read to be so. A quick run does not read again what it only kept,
        unsettled as that may be from the run before.
        """
        differing = manifest.unsettled_items & self._items_read
        return differing.union(*(together.get(item, ()) for item in differing)) & manifest.records.keys()

    def next_move(self, concerned_items: frozenset[str], rules: CollectRules) -> NextMove:
        if self.due:
            return NextMove.READ
        if not self.has_manifest or not concerned_items:
            return NextMove.PUBLISH
        if rules.may_wait and (self.has_ended or not rules.can_list):
            return NextMove.WAIT
        if self.collect.collects < MAX_COLLECTS and rules.can_list:
            return NextMove.LIST
        return NextMove.PUBLISH

    def _thing(self, entry: DetailEntry) -> CollectedThing | None:
        """Returns what the entry says; None for what neither this manifest names nor the one before."""
        changed = entry.changed_revision > self._manifest_revision
        former_items = entry.former_items if changed else entry.items
        # What was read to have ended has no number to keep: it is unread only where it is listed live again.
        unreadable = entry.why if entry.live or entry.read_at is None or entry.is_listed_live else ""
        if entry.gone and not entry.former_items and (changed or not self._would_show_renewal_of(entry)):
            unreadable = "it was listed, and gone before it was read"  # of whatever service it was
        if not entry.live and not former_items and not unreadable:
            return None
        live = entry.live and entry.read_at is not None
        return CollectedThing(
            id=entry.subscription_id,
            live=live,
            revision=entry.statement_revision if live else 0,
            read_revision=entry.read_revision,
            read_at=entry.read_at,
            items=self._set(entry.items if live else ()),
            former_items=self._set(former_items),
            changed_revision=entry.changed_revision if changed else 0,
            unreadable=unreadable,
        )

    def _would_show_renewal_of(self, entry: DetailEntry) -> bool:
        """Tells whether the account was listed late enough to show what took the place of what is gone."""
        return self.collect.listing.revision >= awaited_listing(entry.changed_revision, self._listed_within)

    def _set(self, items: tuple[str, ...]) -> frozenset[str]:
        """Returns one and the same set for the same items: an account may have 50,000 of one service."""
        return self._items.setdefault(items, frozenset(items))


def is_concerned(entry: DetailEntry, items: frozenset[str], manifest_revision: int) -> bool:
    """Tells whether an entry is to be read again because of these services."""
    if entry.why:  # what cannot be read does not become known by being asked for again
        return False
    news = entry.changed_revision > manifest_revision
    return not items.isdisjoint(entry.items) or (news and not items.isdisjoint(entry.former_items))
