"""What follows a reconciled run: its sync may be complete, and dashboards hear of it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

import structlog

from billing.runs.backoff import RunBackoff
from billing.runs.models import FinishedRun, RunStage, worst
from billing.usage.totals import Totals
from shared.contracts.base import utc
from shared.contracts.billing import ReconciliationCompleted
from shared.runtime.attempt import attempt
from shared.status_channel import RunStatus

log = structlog.get_logger()

RECONCILED = "reconciled"
"""The phase of a run whose reconciliation is stored."""


class Runs(Protocol):
    """Where runs are kept."""

    async def unfinished(self) -> Sequence[FinishedRun]:
        """Reconciled, with a sync id that was not seen to; oldest first."""

    async def wanted(self, tenant_id: str, sync_id: str) -> Sequence[str]:
        """The integrations that a sync was asked of; none when nobody asked for it here."""

    async def of_sync(self, tenant_id: str, sync_id: str) -> Sequence[FinishedRun]: ...

    async def newest_reconciled(self, tenant_id: str, integration_id: str) -> FinishedRun | None: ...

    async def complete(self, completed: ReconciliationCompleted) -> None:
        """Save and say it, once however often it is called."""

    async def settled(self, run: FinishedRun, sync_id: str) -> None: ...

    async def announced(self, run: FinishedRun, sync_id: str) -> None: ...

    async def finished(self, run: FinishedRun) -> None:
        """Nothing is left to do, unless another sync id came in the meantime."""


class Integrations(Protocol):
    """What is connected."""

    async def by_tenant(self) -> Mapping[str, set[str]]:
        """The integration ids of every tenant."""


class Lines(Protocol):
    """Usage lines."""

    async def totals(self, tenant_id: str, integration_ids: Sequence[str]) -> Totals: ...


class Live(Protocol):
    """The status channel."""

    async def report(self, status: RunStatus) -> int: ...

    async def snapshot(self, tenant_id: str) -> Mapping[str, RunStatus]: ...


class SyncCompleter:
    """Completes syncs and broadcasts completions, from what is stored; what fails is tried again."""

    def __init__(
        self,
        runs: Runs,
        lines: Lines,
        live: Live,
        *,
        integrations: Integrations,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._runs, self._lines, self._live = runs, lines, live
        self._integrations, self._clock = integrations, clock
        self._trying, self._telling = RunBackoff(clock), RunBackoff(clock)

    async def carry_on(self) -> bool:
        """See to what reconciled runs leave to do: first the broadcast, for people watch, then the syncs.

        A broadcast that fails holds up no sync. Tells whether anything was completed or broadcast.
        """
        waiting = await self._runs.unfinished()
        announced = await attempt(self._telling.each(waiting, self._announce))
        settled = await self._trying.each(waiting, self._settle_all)
        if isinstance(announced, Exception):
            raise announced
        for run in waiting:
            await self._runs.finished(run)
        return settled or announced

    async def restore(self) -> bool:
        """Tell again what a flushed Redis has forgotten; of open runs the sync services tell."""
        for tenant_id, integration_ids in (await self._integrations.by_tenant()).items():
            known = await self._live.snapshot(tenant_id)
            for integration_id in integration_ids - known.keys():
                run = await self._runs.newest_reconciled(tenant_id, integration_id)
                if run:
                    await self._live.report(_status(run, run.sync_ids[-1], None))
        return False

    async def _settle_all(self, run: FinishedRun) -> bool:
        left = [sync_id for sync_id in run.sync_ids if sync_id not in run.settled]
        return any([await self._settle(run, sync_id) for sync_id in left])

    async def _settle(self, run: FinishedRun, sync_id: str) -> bool:
        """A sync is complete once a run of each integration is; a run nobody asked for stands alone."""
        runs = await self._runs.of_sync(run.tenant_id, sync_id)
        done = {one.integration_id: one for one in runs if one.state is RunStage.RECONCILED}
        asked = await self._runs.wanted(run.tenant_id, sync_id)
        if not set(asked or (one.integration_id for one in runs)) <= done.keys():
            return False
        await self._runs.complete(await self._completed(run.tenant_id, sync_id, list(done.values())))
        for one in done.values():
            await self._runs.settled(one, sync_id)
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
            outcome=worst([run.verdict or run.outcome for run in runs]),
            by_class=totals.by_class,
            money=totals.money,
            coverage=totals.coverage,
            completed_at=utc(self._clock()),
        )

    async def _announce(self, run: FinishedRun) -> bool:
        """Done and total stay as the sync service told them last: the page must not jump."""
        left = [sync_id for sync_id in run.sync_ids if sync_id not in run.announced]
        if left:
            before = (await self._live.snapshot(run.tenant_id)).get(run.integration_id)
            for sync_id in left:
                await self._live.report(_status(run, sync_id, before))
                await self._runs.announced(run, sync_id)
                log.info("completion_broadcast", run_id=run.run_id, sync_id=sync_id)
        return bool(left)


def _status(run: FinishedRun, sync_id: str, before: RunStatus | None) -> RunStatus:
    same = before if before and before.run_id == run.run_id else None
    return RunStatus(
        tenant_id=run.tenant_id,
        integration_id=run.integration_id,
        run_id=run.run_id,
        sync_id=sync_id,
        phase=RECONCILED,
        done=same.done if same else 0,
        total=same.total if same else None,
        outcome=run.verdict or run.outcome,
    )
