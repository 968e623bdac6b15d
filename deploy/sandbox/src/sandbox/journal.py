"""Records the calls that providers received and the writes that they were asked for, as proof."""

# Calls are numbered 1, 2, 3 … without gaps, over both providers.  Only the newest `CALLS_KEPT` are kept, but
# the counts never forget one: `counts.total()` is the number of the newest call.  So with three kept of ten
# calls the journal holds numbers 8 to 10, `calls(after=8)` yields 9 and 10, and a reader who asks again after
# the last number that it saw misses nothing and sees nothing twice.
#
# Writes are never dropped.  Each field that a caller asked to change is one entry, effective or not: a write
# that was refused, ignored or cut off is as much evidence as one that was stored.

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

CALLS_KEPT = 200_000
"""Bounds the memory of a sandbox that runs for weeks."""


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """One request to a provider; a connection that was cut has status 0."""

    n: int
    at: datetime
    provider: str
    method: str
    path: str
    query: str
    status: int
    ms: float


@dataclass(frozen=True, slots=True)
class RecordedWrite:
    """One field of one line as a caller asked to change it; `effective` says whether it was stored."""

    n: int
    at: datetime
    method: str
    agreement_id: int
    line_id: int
    field: str
    before: Any
    after: Any
    effective: bool


class Journal:
    """Keeps the newest calls and every write; counts stay exact however many calls have been dropped."""

    def __init__(self, calls_kept: int = CALLS_KEPT) -> None:
        self._calls: deque[RecordedCall] = deque(maxlen=calls_kept)
        self.counts: Counter[str] = Counter()
        self.writes: list[RecordedWrite] = []

    @property
    def last(self) -> int:
        """The number of the newest call."""
        return self.counts.total()

    def record_call(
        self, at: datetime, *, provider: str, request: tuple[str, str, str], status: int, ms: float
    ) -> None:
        """Record a finished call; `request` is its method, path and query, `ms` its milliseconds."""
        self.counts[provider] += 1
        self._calls.append(RecordedCall(self.last, at, provider, *request, status, round(ms, 3)))

    def calls(self, after: int = 0, provider: str | None = None) -> Iterator[RecordedCall]:
        """Yield the kept calls that are newer than number `after`, oldest first."""
        oldest = self.last - len(self._calls) + 1
        newer = islice(self._calls, max(0, after + 1 - oldest), None)
        return (call for call in newer if provider in (None, call.provider))

    def record_write(
        self,
        at: datetime,
        method: str,
        *,
        line: tuple[int, int],
        changes: list["RecordedChange"],
        effective: bool,
    ) -> None:
        """Record an attempt to write; `line` is the agreement's id and the line's id."""
        for change in changes:
            self.writes.append(
                RecordedWrite(
                    n=len(self.writes) + 1,
                    at=at,
                    method=method,
                    agreement_id=line[0],
                    line_id=line[1],
                    field=change.field,
                    before=change.before,
                    after=change.after,
                    effective=effective,
                )
            )


@dataclass(frozen=True, slots=True)
class RecordedChange:
    """A field before and after; `*` stands for a whole new line."""

    field: str
    before: Any
    after: Any
