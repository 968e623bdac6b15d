"""What the closed runs of an integration vouch for: that a thing is gone, that a thing is unchanged."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from shared.contracts.base import Observation

Seen = TypeVar("Seen", bound=Observation)


class ObservedRow(Protocol):
    """What was observed, in which run."""

    @property
    def run_id(self) -> str: ...

    @property
    def revision(self) -> int: ...

    @property
    def observed_at(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class CompletedRun:
    """A closed complete run."""

    run_id: str
    first_revision: int
    started_at: datetime

    def covers(self, row: ObservedRow) -> bool:
        """Whether the run had its say on what this row tells."""
        return row.run_id == self.run_id or row.revision < self.first_revision


@dataclass(frozen=True, slots=True)
class Coverage:
    """The last closed complete run of an integration, and the last such that read every detail."""

    complete: CompletedRun | None = None
    full: CompletedRun | None = None

    @property
    def read_at(self) -> datetime | None:
        """From when on it is known what is *not* there."""
        reading = self.full or self.complete
        return reading.started_at if reading else None

    def gone(self, row: Observation) -> bool:
        """Absence takes effect only once a complete run that covers it is closed (architecture §4)."""
        return not row.present and self.complete is not None and self.complete.covers(row)

    def as_of(self, row: ObservedRow) -> datetime:
        """When it was last read, or last confirmed unchanged by a complete full run."""
        if self.full and self.full.covers(row):
            return max(row.observed_at, self.full.started_at)
        return row.observed_at


NOTHING_READ = Coverage()


@dataclass(frozen=True, slots=True)
class ObservedState(Generic[Seen]):
    """The newest news of a thing; while that says absent, also the last that said otherwise."""

    newest: Seen
    before: Seen | None = None

    @property
    def last_known(self) -> Seen:
        """The version that tells how much: what is gone is still described by what was known of it."""
        return self.newest if self.newest.present else self.before or self.newest


def folded(versions: Iterable[Seen]) -> ObservedState[Seen]:
    """The state that versions in any order, repeated or not, amount to."""
    ordered = sorted(versions, key=lambda version: version.revision)
    newest = ordered[-1]
    if newest.present:
        return ObservedState(newest)
    return ObservedState(newest, next((version for version in reversed(ordered) if version.present), None))
