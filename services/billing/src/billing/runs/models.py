"""Runs and syncs as billing sees them.

A *run* is one sync of one integration; a *sync* joins the runs that one request asked for.
"""

# A run's stages, each stored before the next begins:
#
#   heard       run-finished was received; its manifests may still be on their way
#   closed      all its manifests were applied, or are not waited for any longer; the verdict stands
#   reconciled  every usage line that it concerns is stored; its totals are known
#
# Then each sync that the run answers is completed once all its runs are reconciled, and the completion
# broadcast.

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, Self

from pydantic import AwareDatetime

from billing.usage.ref import Ref
from billing.usage.totals import Totals
from shared.contracts.base import ContractModel, Outcome, RunKind
from shared.contracts.fields import Number
from shared.contracts.run_end import RunFinished, UnreadAccount

PATIENCE = timedelta(minutes=10)
"""How long a run may wait for its manifests, counted from the last one that was applied."""

AGAIN = "again_"
"""How the ids of syncs begin that ask for what was lost."""


class RunStage(StrEnum):
    """`heard`: its end is known; `closed`: its manifests count, or are not waited for any longer."""

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
    exceptions: tuple[str, ...] = ()
    """Single things that could not be read, a sentence each."""
    manifests: int
    """How many manifests the run published, of some accounts more than one."""
    unread_accounts: tuple[UnreadAccount, ...] = ()
    """Accounts that the run did not come to, or whose manifest billing could not apply."""
    counts: dict[str, int]
    coverage: Number
    started_at: AwareDatetime
    finished_at: AwareDatetime
    state: RunStage = RunStage.HEARD
    applied: int = 0
    """How many of the manifests counted, or were overtaken, at the last look that found more than before."""
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
        self, applied: int, now: datetime, patience: timedelta, *, went_back: bool = False
    ) -> Outcome | None:
        """Returns the verdict to close with, None while more manifests may still come.

        `applied` counts the run's manifests that count, or that a later one has overtaken; `went_back` tells
        that one of them shows that its sync service has forgotten what it published.
        """
        if applied >= self.manifests and not went_back:
            return self.outcome
        if applied < self.manifests and now - self.waits_since < patience:
            return None
        return Outcome.PARTIAL if self.outcome is Outcome.COMPLETE else self.outcome

    @property
    def asked_again(self) -> bool:
        """Whether billing asked for it, since something was lost."""
        return any(sync_id.startswith(AGAIN) for sync_id in self.sync_ids)

    @property
    def read_all(self) -> bool:
        """Whether its service says that it made a manifest of every account."""
        return self.kind is RunKind.FULL and self.outcome is Outcome.COMPLETE

    def as_partial(self) -> Self:
        """Returns the run with a verdict of partial at best: not all that it changed could be reconciled."""
        return self.model_copy(
            update={"verdict": worst_outcome([Outcome.PARTIAL, self.verdict or self.outcome])}
        )


@dataclass(frozen=True, slots=True)
class RunClosure:
    """What closing a run changes, all at once."""

    run: FinishedRun
    verdict: Outcome
    at: datetime
    unread_accounts: tuple[UnreadAccount, ...]
    """Those that the run named, and those whose manifest is not waited for any longer."""
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
