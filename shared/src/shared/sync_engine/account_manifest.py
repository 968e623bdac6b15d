"""The manifest of an account, from the things that were collected to the messages that state it; pure."""

# Invariant: a span is never wider than what the readings prove. A thing was as it is said to be from the end
# of the reading that first said so up to the beginning of the reading that last said so, and what is in no
# list was not there up to the beginning of the listing. A span of an item is what all of that has in common:
#
#   before this run  X 10 and Y 5, both of svc1, known from r20     listed at r100
#   X read at r101: 10, Y read at r102: 5    → svc1 known 20 … 100: a pair of collects that agree
#   X read at r101: 10, Y read at r102: 15   → changed, at r103: known 103 … 100: empty, so svc1 is collected
#   listed at r110, X read at r111: 0        → changed, at r113: known 113 … 110: empty, once more
#   listed at r120, X and Y as before        → svc1 known 113 … 120: at r113 there were X 0 and Y 15
#
# What ended or left an item bounds the item's span as well, for "it is not there" is part of the sum.
#
# What took the place of something that ended (a renewal) may be in no list for hours. So an item of which
# something ended is known only by a listing that began so much later than the end was read:
#
#   X read at 09:00 to have ended, lists up to 12 h late    listed at 15:00 → known up to 09:00 only: empty
#                                                           listed at 21:30 → known 09:00 … 21:30

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from shared.contracts.manifest import AccountRead, ItemSpan, ListingExtent, ThingRead, UnreadableThing
from shared.limits import messages as limits
from shared.sync_engine.stamp import Stamp, moment_of

M = TypeVar("M", bound=AccountRead)
T = TypeVar("T")

_BYTES_PER_KIND = 280_000
"""Of the entries of one kind in one part: three kinds and the rest of the message fit into one."""
_REASON_CHARACTERS = limits.REMARK_CHARACTERS.most
_BYTES_PER_ENTRY = 140
"""What an entry has besides its id and its reason, about."""


@dataclass(frozen=True, slots=True)
class ItemRecord:
    """What is remembered of one catalogue item of an account from manifest to manifest."""

    changed_revision: int = 0
    """Taken after the last reading that changed what the account has of the item; 0 before the first."""
    ended: int = 0
    last_ended_at: datetime | None = None
    awaited_listing: int = 0
    """Lists that begin at this revision or later show what took the place of all that has ended."""


@dataclass(frozen=True, slots=True)
class CollectedThing:
    """One thing of an account as it was collected last, beside what the manifest before says of it."""

    id: str
    live: bool
    """False for what has ended or is gone: a manifest names it no more."""
    revision: int
    """Of the observation that states it; 0 while it was never read."""
    read_revision: int
    read_at: datetime | None
    items: frozenset[str]
    """Ids of the catalogue items that it holds, by the last reading."""
    former_items: frozenset[str]
    """Those that it held by the manifest before, and by the readings since; none for what is new."""
    changed_revision: int
    """Taken after the last reading that differs from the manifest before; 0 when none does."""
    unreadable: str = ""
    """Why the last reading failed: it is then as the reading before said, if there was one."""

    @property
    def concerned_items(self) -> frozenset[str]:
        return self.items | self.former_items


@dataclass(frozen=True, slots=True)
class AccountManifest:
    """What a run found under one account."""

    account_id: str
    things: Sequence[CollectedThing]
    records: Mapping[str, ItemRecord]
    """By item, as `item_records` brings them up to date."""
    listing: ListingExtent
    listed_revision: int
    read_from: datetime
    read_until: datetime

    @property
    def spans(self) -> list[ItemSpan]:
        until = known_until(self.things, self.records, self.listed_revision)
        return [self._span(item, record, until[item]) for item, record in sorted(self.records.items())]

    @property
    def unsettled_items(self) -> frozenset[str]:
        """The items to collect again; what cannot be read would not become known by being read again."""
        readable = [thing for thing in self.things if not thing.unreadable]
        until = known_until(readable, self.records, self.listed_revision)
        return frozenset(
            item for item, record in self.records.items() if record.changed_revision > until[item]
        )

    def _span(self, item: str, record: ItemRecord, until: int) -> ItemSpan:
        awaits = record.awaited_listing > self.listed_revision
        return ItemSpan(
            item_id=item,
            known_from=record.changed_revision,
            known_until=min(until, record.changed_revision - 1) if awaits else until,
            ended=record.ended,
            last_ended_at=record.last_ended_at,
            renewals_listed_from=moment_of(record.awaited_listing) if awaits else None,
        )

    @property
    def awaited_listing(self) -> int:
        """The earliest listing that would confirm something that has ended; 0 when its own confirms all."""
        awaited = [record.awaited_listing for record in self.records.values()]
        return min((one for one in awaited if one > self.listed_revision), default=0)

    def messages(self, model: type[M], stamp: Stamp, nth: int) -> Iterator[M]:
        """Yields the parts under one stamp: its revision was taken after all that the manifest names."""
        live = [thing for thing in self.things if thing.live and thing.revision]
        unreadable = [thing for thing in self.things if thing.unreadable]
        things = _chunks(live, lambda thing: thing.id)
        reasons = slice(limits.REMARK_CHARACTERS.most)
        unread = _chunks(
            unreadable, lambda thing: "".join([thing.id, thing.unreadable[reasons], *thing.items])
        )
        spans = _chunks(
            self.spans, lambda span: f"{span.item_id} renewals_listed_from {span.renewals_listed_from}"
        )
        parts = max(1, len(things), len(unread), len(spans))
        for index in range(parts):
            yield model(
                tenant_id=stamp.tenant_id,
                integration_id=stamp.integration_id,
                account_id=self.account_id,
                run_id=stamp.run_id,
                generation=stamp.generation,
                revision=stamp.revision,
                nth=nth,
                part=index + 1,
                parts=parts,
                things=tuple(_thing_read(thing) for thing in _at(things, index)),
                unreadable=tuple(_unreadable(thing) for thing in _at(unread, index)),
                spans=_at(spans, index),
                listing=self.listing,
                listed_revision=self.listed_revision,
                read_from=self.read_from,
                read_until=self.read_until,
            )


def item_records(
    things: Iterable[CollectedThing],
    before: Mapping[str, ItemRecord],
    *,
    listed_within: timedelta = timedelta(0),
) -> dict[str, ItemRecord]:
    """Returns the records as the things leave them; `before` are those of the manifest before.

    What takes the place of something that ended is listed at most `listed_within` after that.
    Called again for the same things and the same manifest before, it returns the same.
    """
    records = dict(before)
    for thing in things:
        for item in thing.concerned_items:
            record = records.get(item, ItemRecord())
            ended = not thing.live and item in thing.former_items
            if ended and thing.read_at:
                last = max(record.last_ended_at or thing.read_at, thing.read_at)
                record = replace(record, ended=record.ended + 1, last_ended_at=last)
                if listed_within:
                    awaited = awaited_listing(thing.changed_revision, listed_within)
                    record = replace(record, awaited_listing=max(record.awaited_listing, awaited))
            changed = max(record.changed_revision, thing.changed_revision)
            records[item] = replace(record, changed_revision=changed)
    return records


def awaited_listing(ended_revision: int, listed_within: timedelta) -> int:
    """Returns from which listing on lists show what took the place of what was read to be over by then."""
    return ended_revision + listed_within // timedelta(microseconds=1)  # a revision counts microseconds


def known_until(
    things: Iterable[CollectedThing], items: Iterable[str], listed_revision: int
) -> dict[str, int]:
    """Returns up to which revision what the account has of each item is known to be as it was read."""
    until = dict.fromkeys(items, listed_revision)
    for thing in things:
        for item in thing.concerned_items:
            if item in until:
                until[item] = min(until[item], thing.read_revision)
    return until


def _thing_read(thing: CollectedThing) -> ThingRead:
    if thing.read_at is None:
        raise ValueError(f"{thing.id} was never read: no observation states it")
    return ThingRead(
        id=thing.id, revision=thing.revision, read_revision=thing.read_revision, read_at=thing.read_at
    )


def _unreadable(thing: CollectedThing) -> UnreadableThing:
    item_id = next(iter(thing.items)) if len(thing.items) == 1 else None
    return UnreadableThing(id=thing.id, reason=thing.unreadable, item_id=item_id)


def _chunks(entries: Iterable[T], text_of: Callable[[T], str]) -> list[tuple[T, ...]]:
    """Divides the entries of one kind so that each part can be sent."""
    chunks, chunk, size_bytes = list[tuple[T, ...]](), list[T](), 0
    for entry in entries:
        entry_bytes = len(text_of(entry).encode()) + _BYTES_PER_ENTRY
        if chunk and (
            size_bytes + entry_bytes > _BYTES_PER_KIND or len(chunk) == limits.MANIFEST_ENTRIES.most
        ):
            chunks.append(tuple(chunk))
            chunk, size_bytes = [], 0
        chunk.append(entry)
        size_bytes += entry_bytes
    return [*chunks, tuple(chunk)] if chunk else chunks


def _at(chunks: Sequence[tuple[T, ...]], index: int) -> tuple[T, ...]:
    return chunks[index] if index < len(chunks) else ()
