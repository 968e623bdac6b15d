"""A version: a moment of all mappings, by the revisions that stood at it."""

# Invariant: a version stores no mapping. What stood on an item at a version is the decision with the largest
# revision up to its `cut`: the mapping itself, or else the newest of its history. A version is made in a unit
# of work, and everything decided before has a revision up to the cut. What a plan decides is later than the
# version from before it, by its own moment; another decision is by the clocks of our processes, so it is told
# apart as sharply as these agree:
#
#   1 → 9 on r5, excluded on r8    version of cut 7: 1 → 9    version of cut 8: excluded    of cut 4: nothing

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from shared.contracts.matcher import MappingDecided, ReplacedDecision

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class VersionOrigin(StrEnum):
    """How a version came to be kept."""

    NAMED = "named"
    """A person gave it a name."""
    BEFORE_PLAN = "before-plan"
    AFTER_PLAN = "after-plan"


@dataclass(frozen=True, slots=True)
class MappingVersion:
    """One moment of a tenant's mappings."""

    id: str
    tenant_id: str
    name: str
    origin: VersionOrigin
    cut: int
    """The largest revision of any decision up to then."""
    at: datetime
    by: str
    plan_id: str | None = None


@dataclass(frozen=True, slots=True)
class VersionDifference:
    """One vendor item on which a version and a later moment differ."""

    mapping: MappingDecided
    """As it is now."""
    then: ReplacedDecision | None
    """None where what stood then was not kept; revoked of revision 0 where nothing was decided."""
    later: ReplacedDecision | None
    """What stood at the later moment."""


def cut_at(at: datetime, newest_revision: int) -> int:
    """Returns the cut of a version that is made at this moment."""
    return max(int(at.timestamp() * 1_000_000), newest_revision)


def moment_after(cut: int, at: datetime) -> datetime:
    """Returns a moment, `at` if it can be, at which a decision gets a revision beyond the cut."""
    return max(at, _EPOCH + timedelta(microseconds=cut) + timedelta(milliseconds=2))


def same_content(one: ReplacedDecision, other: ReplacedDecision) -> bool:
    """Whether two say the same of an item, however it came about."""
    return _content(one) == _content(other)


def _content(state: ReplacedDecision) -> tuple[object, ...]:
    excluded_for = state.reason if state.decision == "excluded" else None
    return state.decision, state.psa_integration_id, state.psa_id, state.rules, excluded_for
