"""Runs and syncs as billing sees them.

A *run* is one sync of one integration; a *sync* joins the runs that one request asked for.
"""

# A run's stages, each stored before the next begins:
#
#   heard       run-finished was received; what it published may still be on its way
#   closed      all it published is stored, or is not waited for any longer; the verdict stands
#   reconciled  every usage line that it concerns is stored; its totals are known
#
# Then each sync that the run answers is completed once all its runs are reconciled, and the completion
# broadcast.

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, Self

from pydantic import AwareDatetime

from billing.usage.coverage import CompletedRun, Coverage
from billing.usage.ref import Ref
from billing.usage.totals import Totals
from shared.contracts.base import ContractModel, Outcome, RunFinished, RunKind
from shared.contracts.fields import Number

PATIENCE = timedelta(minutes=10)
"""How long a run may wait for what it published, counted from the last observation that came."""


class RunStage(StrEnum):
    """`heard`: its end is known; `closed`: all it published is stored, or is not waited for any longer."""

    HEARD = "heard"
    CLOSED = "closed"
    RECONCILED = "reconciled"


class RunKey(NamedTuple):
    """Names a run: run ids are each service's own."""

    tenant_id: str
    integration_id: str
    run_id: str


class FinishedRun(ContractModel):
    """A run that its service has finished; `outcome` is that service's word, `verdict` is billing's."""

    tenant_id: str
    integration_id: str
    run_id: str
    sync_ids: tuple[str, ...]
    kind: RunKind
    outcome: Outcome
    reason: str | None = None
    first_revision: int
    published: dict[str, int]
    """How many keys the run published, by topic."""
    counts: dict[str, int]
    coverage: Number
    started_at: AwareDatetime
    finished_at: AwareDatetime
    state: RunStage = RunStage.HEARD
    stored: int = 0
    """How many of the published keys were stored at the last look that found more than the one before."""
    waits_since: AwareDatetime
    """When the last of them came; patience is counted from here."""
    verdict: Outcome | None = None
    closed_at: AwareDatetime | None = None
    waits_for: AwareDatetime | None = None
    """Once closed: work that was enqueued up to then must be done before the run is reconciled."""
    reconciled_at: AwareDatetime | None = None
    totals: Totals | None = None
    settled: tuple[str, ...] = ()
    """Ids of the syncs whose completion is stored."""
    announced: tuple[str, ...] = ()
    """Ids of the syncs whose completion was broadcast."""

    @classmethod
    def of(cls, event: RunFinished, now: datetime) -> Self:
        """Returns the run that an event announces, received now."""
        received = {"sync_ids": (event.sync_id,), "waits_since": now}
        return cls.model_validate(event.model_dump() | received)

    @property
    def key(self) -> RunKey:
        return RunKey(self.tenant_id, self.integration_id, self.run_id)

    def closing_verdict(
        self, stored: Mapping[str, int], now: datetime, patience: timedelta
    ) -> Outcome | None:
        """Returns the verdict to close with, None while more may still come.

        `stored` counts the keys that are stored since the run began, by topic.
        """
        if all(stored.get(topic, 0) >= number for topic, number in self.published.items()):
            return self.outcome
        if now - self.waits_since < patience:
            return None
        return Outcome.PARTIAL if self.outcome is Outcome.COMPLETE else self.outcome

    def as_partial(self) -> Self:
        """Returns the run with a verdict of partial at best: not all that it changed could be reconciled."""
        return self.model_copy(
            update={"verdict": worst_outcome([Outcome.PARTIAL, self.verdict or self.outcome])}
        )

    def coverage_after(self, before: Coverage) -> Coverage:
        """Returns the integration's coverage once this run is closed as complete.

        An older run that is closed late takes nothing back from a newer one.
        """
        completed = CompletedRun(self.run_id, self.first_revision, self.started_at)
        full = _newer(before.full, completed) if self.kind is RunKind.FULL else before.full
        return Coverage(_newer(before.complete, completed), full)


@dataclass(frozen=True, slots=True)
class RunClosure:
    """What closing a run changes, all at once."""

    run: FinishedRun
    verdict: Outcome
    at: datetime
    coverage: Coverage | None
    """The integration's from now on; None when the run did not read everything and so covers nothing."""
    affected: frozenset[Ref]
    """Refs whose usage lines closing the run changes."""
    waits_for: datetime
    """Work up to then is waited for: now, or later where a clock that is ahead of this one enqueued some."""


@dataclass(frozen=True, slots=True)
class Sync:
    """What was asked for, by whom, of which integrations."""

    tenant_id: str
    sync_id: str
    integration_ids: tuple[str, ...]
    kind: RunKind
    asked_by: str
    requested_at: datetime


def worst_outcome(outcomes: list[Outcome]) -> Outcome:
    """Returns the outcome of a sync, which is as good as the worst of its runs."""
    order = [Outcome.COMPLETE, Outcome.PARTIAL, Outcome.FAILED]
    return max(outcomes, key=order.index)


def _newer(before: CompletedRun | None, completed: CompletedRun) -> CompletedRun:
    return before if before and before.first_revision > completed.first_revision else completed
