"""What a closed complete run proves: that a thing is gone, and that a thing is unchanged."""

# An absence takes effect only when a run that read everything was closed as complete, and only for what that
# run read itself, or what was read before it began (revisions grow with time, across all things of an
# integration).
#
#   sub1 absent (revision 600, run-2); complete is run-1, from revision 1    → sub1 counts on
#                                      complete is run-2, or run-3 from 700  → sub1 is gone
#
# The same holds for ages: what a complete *full* run did not publish again is as fresh as that run. A quick
# run proves no age, because it skips details.

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from shared.contracts.base import Observation

Observed = TypeVar("Observed", bound=Observation)


class RunReading(Protocol):
    """A reading of one thing, with the run that made it: an observation, or a part of a stored line."""

    @property
    def run_id(self) -> str: ...

    @property
    def revision(self) -> int: ...

    @property
    def observed_at(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class CompletedRun:
    """A run that was closed as complete."""

    run_id: str
    first_revision: int
    started_at: datetime

    def covers(self, reading: RunReading) -> bool:
        """Whether the run read the thing itself, or began after it was read."""
        return reading.run_id == self.run_id or reading.revision < self.first_revision


@dataclass(frozen=True, slots=True)
class Coverage:
    """The last complete run of an integration, and the last complete run that read every detail."""

    complete: CompletedRun | None = None
    full: CompletedRun | None = None

    @property
    def read_at(self) -> datetime | None:
        """The moment as of which it is known what is *not* there; None before any complete run."""
        run = self.full or self.complete
        return run.started_at if run else None

    def shows_gone(self, observation: Observation) -> bool:
        """Whether the thing is absent and a complete run covers that reading (architecture §4)."""
        return not observation.present and self.complete is not None and self.complete.covers(observation)

    def as_of(self, reading: RunReading) -> datetime:
        """When the thing was last read, or last confirmed unchanged by a complete full run."""
        if self.full and self.full.covers(reading):
            return max(reading.observed_at, self.full.started_at)
        return reading.observed_at


NOTHING_READ = Coverage()


class Coverages(dict[str, Coverage]):
    """Coverage by integration id; an integration that is not in it was never completely read."""

    def __missing__(self, integration_id: str) -> Coverage:
        return NOTHING_READ


@dataclass(frozen=True, slots=True)
class ObservedState(Generic[Observed]):
    """The newest observation of a thing; while it is absent, also the last one that was present."""

    newest: Observed
    before: Observed | None = None

    @property
    def last_known(self) -> Observed:
        """The observation that describes the thing: one that is gone is described by what it was before."""
        return self.newest if self.newest.present else self.before or self.newest


def fold_versions(versions: Iterable[Observed]) -> ObservedState[Observed]:
    """The state of a thing, from its versions in any order, repeated or not; at least one is needed."""
    ordered = sorted(versions, key=lambda version: version.revision)
    newest = ordered[-1]
    if newest.present:
        return ObservedState(newest)
    return ObservedState(newest, next((version for version in reversed(ordered) if version.present), None))
