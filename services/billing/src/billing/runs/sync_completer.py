"""Completes syncs whose runs are reconciled, and broadcasts every completion to the dashboards."""

# Invariant: a sync is completed once, after the reconciliation of a run of each of its integrations is
# stored, and every run's outcome is broadcast after its reconciliation is. Each step first stores or sends,
# then notes that it did, so that a crash repeats a step and never skips one; storing twice is one
# completion, sending twice is harmless.
#
#   sync s1 asks int_v and int_p:  int_v reconciled → broadcast    int_p reconciled → broadcast, s1 completed
#   a run that no sync here asked for completes its own sync alone

from collections.abc import Sequence

import structlog

from billing.runs.models import FinishedRun, RunKey, RunStage, worst_outcome
from billing.runs.ports import ConnectedIntegrations, LineTotals, RunStore, StatusBoard
from billing.runs.run_step import try_step
from shared.contracts.base import utc
from shared.contracts.billing import ReconciliationCompleted
from shared.runtime.attempt import attempt
from shared.runtime.backoff import Backoff
from shared.runtime.clock import Clock, utc_now
from shared.status_channel import RunStatus

log = structlog.get_logger()

RECONCILED = "reconciled"
"""The phase of a run whose reconciliation is stored."""


class SyncCompleter:
    """Completes syncs and broadcasts completions, from what is stored; what fails is tried again."""

    def __init__(
        self,
        runs: RunStore,
        lines: LineTotals,
        board: StatusBoard,
        *,
        integrations: ConnectedIntegrations,
        clock: Clock = utc_now,
    ) -> None:
        self._runs, self._lines, self._board = runs, lines, board
        self._integrations, self._clock = integrations, clock
        self._broadcast_backoff, self._completion_backoff = Backoff[RunKey](clock), Backoff[RunKey](clock)

    async def advance(self) -> bool:
        """Broadcasts what reconciled runs leave to broadcast, then completes their syncs.

        The broadcast comes first, for people watch. One that fails holds up no sync: its error is raised
        after the syncs. Returns whether anything was completed or broadcast.
        """
        runs = await self._runs.awaiting_completion()
        broadcast = await attempt(self._broadcast_all(runs))
        completed = [await try_step(run, self._complete_syncs, self._completion_backoff) for run in runs]
        if isinstance(broadcast, Exception):
            raise broadcast
        for run in runs:
            await self._runs.finish(run)
        return any(completed) or broadcast

    async def restore(self) -> bool:
        """Reports the last completion of each integration of which Redis knows nothing, as after a flush.

        Of runs that are still going on the sync services report. Returns False: nothing more is waiting.
        """
        for tenant_id, integration_ids in (await self._integrations.by_tenant()).items():
            reported = await self._board.snapshot(tenant_id)
            for integration_id in integration_ids - reported.keys():
                run = await self._runs.newest_reconciled(tenant_id, integration_id)
                if run:
                    await self._board.report(_status(run, run.sync_ids[-1], None))
        return False

    async def _broadcast_all(self, runs: Sequence[FinishedRun]) -> bool:
        return any([await try_step(run, self._broadcast, self._broadcast_backoff) for run in runs])

    async def _broadcast(self, run: FinishedRun) -> bool:
        sync_ids = [sync_id for sync_id in run.sync_ids if sync_id not in run.announced]
        if sync_ids:
            before = (await self._board.snapshot(run.tenant_id)).get(run.integration_id)
            for sync_id in sync_ids:
                await self._board.report(_status(run, sync_id, before))
                await self._runs.note_broadcast(run, sync_id)
                log.info("completion_broadcast", run_id=run.run_id, sync_id=sync_id)
        return bool(sync_ids)

    async def _complete_syncs(self, run: FinishedRun) -> bool:
        sync_ids = [sync_id for sync_id in run.sync_ids if sync_id not in run.settled]
        return any([await self._complete_sync(run.tenant_id, sync_id) for sync_id in sync_ids])

    async def _complete_sync(self, tenant_id: str, sync_id: str) -> bool:
        """Completes the sync if a run of each of its integrations is reconciled; returns whether it was."""
        runs = await self._runs.of_sync(tenant_id, sync_id)
        reconciled = {run.integration_id: run for run in runs if run.state is RunStage.RECONCILED}
        asked = await self._runs.integrations_of(tenant_id, sync_id)
        if not set(asked or (run.integration_id for run in runs)) <= reconciled.keys():
            return False
        await self._runs.complete_sync(await self._completed(tenant_id, sync_id, list(reconciled.values())))
        for run in reconciled.values():
            await self._runs.note_completed(run, sync_id)
        return True

    async def _completed(
        self, tenant_id: str, sync_id: str, runs: list[FinishedRun]
    ) -> ReconciliationCompleted:
        integration_ids = tuple(sorted({run.integration_id for run in runs}))
        totals = await self._lines.totals(tenant_id, integration_ids)
        return ReconciliationCompleted(
            tenant_id=tenant_id,
            sync_id=sync_id,
            integration_ids=integration_ids,
            outcome=worst_outcome([run.verdict or run.outcome for run in runs]),
            by_class=totals.by_class,
            money=totals.money,
            unsummed=totals.unsummed,
            coverage=totals.coverage,
            completed_at=utc(self._clock()),
        )


def _status(run: FinishedRun, sync_id: str, before: RunStatus | None) -> RunStatus:
    """Returns the run's last status; done and total stay as its sync service reported them.

    A progress bar must not jump back when the outcome appears beside it.
    """
    same_run = before if before and before.run_id == run.run_id else None
    return RunStatus(
        tenant_id=run.tenant_id,
        integration_id=run.integration_id,
        run_id=run.run_id,
        sync_id=sync_id,
        phase=RECONCILED,
        done=same_run.done if same_run else 0,
        total=same_run.total if same_run else None,
        outcome=run.verdict or run.outcome,
    )
