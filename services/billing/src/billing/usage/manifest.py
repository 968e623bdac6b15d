"""What counts of an account: its newest applied manifest, and the things as that names them; pure."""

# Invariant: a reading never counts by itself. What an account holds is what its applied manifest names, each
# thing as stated by the observation of the revision that is named, however much newer news of it there is.
#
#   manifest: sub1 at r12   observed: sub1 r12 (5 seats), r40 (9 seats)   → 5 count, 9 are arriving
#
# Numbers of several spans may be added up when the spans have an instant in common (`shared.contracts
# .manifest`): acme/svc1 known 20 … 100 and beta/svc1 known 90 … 130 → both were so at 90.

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

from billing.usage.ref import Ref
from shared.contracts.manifest import ItemSpan, ListingExtent

Observed_co = TypeVar("Observed_co", covariant=True)


class KnownSpan(NamedTuple):
    """Between which revisions something is known to have been as it is said to be."""

    known_from: int
    known_until: int

    @property
    def is_empty(self) -> bool:
        return self.known_from > self.known_until


@dataclass(frozen=True, slots=True)
class AppliedManifest:
    """The manifest of an account that counts, without its things."""

    account: Ref
    run_id: str
    generation: int
    revision: int
    parts: int
    listing: ListingExtent
    listed_revision: int
    read_from: datetime
    """When the account's things were listed: what it does not name was not there then."""
    spans: Mapping[str, ItemSpan] = field(default_factory=dict)
    """By catalogue item."""
    unreadable: Mapping[str, str] = field(default_factory=dict)
    """Why a thing could not be read, by its id."""
    unreadable_items: Mapping[str, str] = field(default_factory=dict)
    """The catalogue items of those of them of which that is known, by id."""
    read_at: Mapping[str, datetime] = field(default_factory=dict)
    """When things were read that were not read about when the oldest of them was, by id."""
    went_back: bool = False
    """Whether its sync service had forgotten what it published of the account (a restored database)."""
    digest: str = ""
    """Of all that lines are calculated from; empty where none was kept."""
    things_read_from: datetime | None = None
    """When the oldest of the things was last read; None where that is not known apart from `read_from`."""

    def age_of(self, thing_id: str) -> datetime:
        """When the thing was last read, about: never later than it was."""
        return self.read_at.get(thing_id, self.things_read_from or self.read_from)

    @property
    def oldest_age(self) -> datetime:
        """When the thing was read that was read first; none of the account's is older."""
        return min([self.things_read_from or self.read_from, *self.read_at.values()])

    def span_of(self, item_id: str) -> KnownSpan:
        """The span of an item; one that is not named was never there, up to the listing."""
        span = self.spans.get(item_id)
        return KnownSpan(span.known_from, span.known_until) if span else KnownSpan(0, self.listed_revision)


Manifests = Mapping[Ref, AppliedManifest]
"""By account; an account that no run has read completely has none."""


@dataclass(frozen=True, slots=True)
class EffectiveThing(Generic[Observed_co]):
    """A thing of an account as it counts."""

    account: Ref
    """Whose manifest names it."""
    observed: Observed_co
    as_of: datetime
    """When it was last read to be so."""
    unreadable: str = ""
    """Why a later reading failed; empty when none did."""


@dataclass(frozen=True, slots=True)
class EndedThings:
    """How many things of a line have ended, and when the last of them was read to have."""

    count: int = 0
    last_ended_at: datetime | None = None


def common_span(manifests: Iterable[AppliedManifest], item_ids: Sequence[str]) -> KnownSpan:
    """The span in which all that these accounts have of these items is known to have been as it is named."""
    spans = [manifest.span_of(item_id) for manifest in manifests for item_id in item_ids]
    return KnownSpan(
        max((span.known_from for span in spans), default=0),
        min((span.known_until for span in spans), default=0),
    )


def renewals_listed_from(manifests: Iterable[AppliedManifest], item_ids: Sequence[str]) -> datetime | None:
    """From when on lists show what may have taken the place of what ended of these; None when they did."""
    spans = [manifest.spans.get(item_id) for manifest in manifests for item_id in item_ids]
    return max(
        (span.renewals_listed_from for span in spans if span and span.renewals_listed_from), default=None
    )


def ended_things(manifests: Iterable[AppliedManifest], item_ids: Sequence[str]) -> EndedThings:
    """What has ended of these items in these accounts."""
    spans = [
        manifest.spans[item_id] for manifest in manifests for item_id in item_ids if item_id in manifest.spans
    ]
    last = max((span.last_ended_at for span in spans if span.last_ended_at), default=None)
    return EndedThings(sum(span.ended for span in spans), last)
