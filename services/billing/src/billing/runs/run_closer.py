"""Closes runs once what they published is stored, and reconciles them once their usage lines are."""

# Invariant: when a run is reconciled, all that it published is in the usage lines. This order ensures it:
#
#   1. An observation is stored, then its work is enqueued, then its receipt is written: what is counted as
#      stored is in the queue already, or through it.
#   2. Closing enqueues what it changes itself, in its own transaction: absences that take effect now, and
#      stale numbers that are confirmed.
#   3. The run is reconciled once no work enqueued up to its closing is left.
#
#   published 3 ─ stored 2 … stored 3 → closed at 12:00 ─ work of 11:59 waits … is done → reconciled, totals
#
# Killed anywhere, the next round goes on from what is stored.

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

import structlog

from billing.runs.models import PATIENCE, FinishedRun, RunClosure, RunKey
from billing.runs.ports import LineTotals, ObservationProgress, RunStore, WorkBacklog
from billing.runs.run_step import try_step
from billing.usage.coverage import Coverage
from billing.usage.ref import Ref, RefKind
from shared.contracts.base import Outcome, RunFinished, RunKind, utc
from shared.runtime.backoff import Backoff

log = structlog.get_logger()

ABSENCE_LOOKBACK = timedelta(days=30)
"""How far back closing a run looks for absences; after a longer gap all of the integration is recalculated.

Receipts are kept for longer (`billing.observations.receipts`)."""


class RunCloser:
    """Carries runs from received to reconciled."""

    def __init__(
        self,
        runs: RunStore,
        progress: ObservationProgress,
        lines: LineTotals,
        *,
        backlog: WorkBacklog,
        patience: timedelta = PATIENCE,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._runs, self._progress, self._lines = runs, progress, lines
        self._backlog, self._patience, self._clock = backlog, patience, clock
        self._backoff = Backoff[RunKey](clock)

    async def record(self, events: Iterable[RunFinished]) -> None:
        now = utc(self._clock())
        await self._runs.record([FinishedRun.of(event, now) for event in events])

    async def advance(self) -> bool:
        """Closes every run that can be closed, and reconciles one; returns whether it did either.

        One run is reconciled at a time, so that its completion is broadcast before the lines of the next
        one are summed up.
        """
        closed = [
            await try_step(run, self._close, self._backoff) for run in await self._runs.awaiting_closure()
        ]
        for run in await self._runs.awaiting_reconciliation():
            if await try_step(run, self._reconcile, self._backoff):
                return True
        return any(closed)

    async def _close(self, run: FinishedRun) -> bool:
        stored, now = await self._progress.stored_since(run), utc(self._clock())
        verdict = run.closing_verdict(stored, now, self._patience)
        if verdict is None:
            if sum(stored.values()) > run.stored:
                await self._runs.note_arrivals(run, sum(stored.values()), now)
            return False
        before = await self._progress.coverage(run)
        coverage = run.coverage_after(before) if verdict is Outcome.COMPLETE else None
        affected = await self._changed_by_closing(run, before) if coverage else set()
        log.info("run_closed", run_id=run.run_id, verdict=verdict, touched=len(affected))
        newest = await self._backlog.newest(run.tenant_id)
        # A replica whose clock is ahead may have enqueued work of this run "later" than now.
        waits_for = max(now, newest) if newest else now
        closure = RunClosure(run, verdict, now, coverage, frozenset(affected), waits_for)
        return await self._runs.close(closure)

    async def _changed_by_closing(self, run: FinishedRun, before: Coverage) -> set[Ref]:
        """Returns the refs whose lines a complete run changes by being closed.

        Those are the accounts with something absent since the last complete run, and the accounts with a
        stale number where a full run confirms it. The first complete run, or the first for long, changes
        all of the integration.
        """
        integration = run.tenant_id, run.integration_id
        if before.complete is None or run.started_at - before.complete.started_at > ABSENCE_LOOKBACK:
            return {Ref(RefKind.INTEGRATION, run.integration_id)}
        since = min(run.first_revision, before.complete.first_revision)
        gone = await self._progress.gone_since(*integration, since)
        stale = (
            await self._lines.accounts_of_integration(*integration, stale=True)
            if run.kind is RunKind.FULL
            else set()
        )
        return gone | stale

    async def _reconcile(self, run: FinishedRun) -> bool:
        if run.waits_for is None or await self._backlog.any_until(run.tenant_id, run.waits_for):
            return False
        if await self._backlog.any_until(run.tenant_id, run.waits_for, delayed=True):
            run = run.as_partial()
        totals = await self._lines.totals(run.tenant_id, [run.integration_id])
        await self._runs.reconcile(run, totals, utc(self._clock()))
        log.info("run_reconciled", run_id=run.run_id, by_class=totals.by_class)
        return True
