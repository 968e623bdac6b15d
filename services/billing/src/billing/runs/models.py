"""Runs as billing sees them: heard of, closed once what they published is stored, then reconciled."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from pydantic import AwareDatetime

from billing.usage.coverage import CompletedRun, Coverage
from billing.usage.totals import Totals
from shared.contracts.base import ContractModel, Number, Outcome, RunFinished, RunKind

PATIENCE = timedelta(minutes=10)
"""How long a run may wait for what it published, counted from the last thing that came."""


class RunStage(StrEnum):
    """`heard`: its end is known; `closed`: all it published is stored, or is not waited for any longer."""

    HEARD = "heard"
    CLOSED = "closed"
    RECONCILED = "reconciled"


class FinishedRun(ContractModel):
    """One run; `outcome` is what its service said, `verdict` what it is to billing."""

    tenant_id: str
    integration_id: str
    run_id: str
    sync_ids: tuple[str, ...]
    kind: RunKind
    outcome: Outcome
    reason: str | None = None
    first_revision: int
    published: dict[str, int]
    counts: dict[str, int]
    coverage: Number
    started_at: AwareDatetime
    finished_at: AwareDatetime
    state: RunStage = RunStage.HEARD
    stored: int = 0
    """How much of what it published was there at the last look that found more than before."""
    waits_since: AwareDatetime
    verdict: Outcome | None = None
    closed_at: AwareDatetime | None = None
    waits_for: AwareDatetime | None = None
    """Once closed: marks up to then must be gone before it is reconciled."""
    reconciled_at: AwareDatetime | None = None
    totals: Totals | None = None
    settled: tuple[str, ...] = ()
    """The sync ids whose completion was seen to."""
    announced: tuple[str, ...] = ()
    """The sync ids whose completion was broadcast."""

    @classmethod
    def of(cls, news: RunFinished, now: datetime) -> Self:
        heard = {"sync_ids": (news.sync_id,), "waits_since": now}
        return cls.model_validate(news.model_dump() | heard)

    def closing(self, stored: Mapping[str, int], now: datetime, patience: timedelta) -> Outcome | None:
        """The verdict to close with, None while there is hope that more comes."""
        if all(stored.get(topic, 0) >= number for topic, number in self.published.items()):
            return self.outcome
        if now - self.waits_since < patience:
            return None
        return Outcome.PARTIAL if self.outcome is Outcome.COMPLETE else self.outcome

    def falling_short(self) -> Self:
        """The same when not all that it changed could be reconciled."""
        return self.model_copy(update={"verdict": worst([Outcome.PARTIAL, self.verdict or self.outcome])})

    def vouching(self, before: Coverage) -> Coverage:
        """The integration's coverage once this run is closed as complete; an older run takes nothing back."""
        reading = CompletedRun(self.run_id, self.first_revision, self.started_at)
        full = _later(before.full, reading) if self.kind is RunKind.FULL else before.full
        return Coverage(_later(before.complete, reading), full)


def worst(outcomes: list[Outcome]) -> Outcome:
    """A sync is as good as the worst of its runs."""
    order = [Outcome.COMPLETE, Outcome.PARTIAL, Outcome.FAILED]
    return max(outcomes, key=order.index)


def _later(before: CompletedRun | None, reading: CompletedRun) -> CompletedRun:
    return before if before and before.first_revision > reading.first_revision else reading
