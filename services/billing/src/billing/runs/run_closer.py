"""The end of a run: closed when what it published is stored, reconciled when its lines are, then told.

The order is the point. What is counted was stored and marked before (`service.observing`), and closing marks
what it changes itself in the transaction that closes the run. Once all marks up to that moment are gone, all
of the run is in the lines; only then its reconciliation is stored.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog

from billing.runs.backoff import RunBackoff
from billing.runs.models import PATIENCE, FinishedRun
from billing.usage.coverage import Coverage
from billing.usage.ref import Ref, RefKind
from billing.usage.totals import Totals
from shared.contracts.base import Outcome, RunFinished, RunKind, utc

log = structlog.get_logger()

REMEMBERED = timedelta(days=30)
"""How far back it is asked what was told of; what was told of before is looked at whole."""


@dataclass(frozen=True, slots=True)
class RunClosure:
    """What closing a run changes, all at once."""

    run: FinishedRun
    verdict: Outcome
    at: datetime
    coverage: Coverage | None
    """None when the run vouches for nothing."""
    touched: frozenset[Ref]
    waits_for: datetime
    """Marks up to then are waited for: now, or that of a mark by a clock that is ahead of ours."""


class Runs(Protocol):
    """Where runs are kept."""

    async def hear(self, runs: Sequence[FinishedRun]) -> None:
        """Keep each run once, with all the syncs that it answers."""

    async def heard(self) -> Sequence[FinishedRun]:
        """Not closed yet, oldest first."""

    async def closed(self) -> Sequence[FinishedRun]:
        """Closed but not reconciled."""

    async def waits(self, run: FinishedRun, stored: int, now: datetime) -> None:
        """Something more came: it is waited for from now on again."""

    async def close(self, close: RunClosure) -> bool:
        """All at once; False when it was closed already."""

    async def reconciled(self, run: FinishedRun, totals: Totals, now: datetime) -> None:
        """Store the totals, and the verdict as it is in the end."""


class Rows(Protocol):
    """What was observed, by integration and revision."""

    async def coverage(self, run: FinishedRun) -> Coverage:
        """What the runs of the same integration that were closed before vouch for."""

    async def stored_since(self, run: FinishedRun) -> Mapping[str, int]:
        """How many things of each topic were told of since the run began."""

    async def gone_since(self, tenant_id: str, integration_id: str, revision: int) -> set[Ref]:
        """The accounts that something was told to be gone from."""


class Lines(Protocol):
    """Usage lines."""

    async def accounts_of(self, tenant_id: str, integration_id: str, *, stale: bool) -> set[Ref]: ...

    async def totals(self, tenant_id: str, integration_ids: Sequence[str]) -> Totals: ...


class Touched(Protocol):
    """Marks that wait."""

    async def newest(self, tenant_id: str) -> datetime | None: ...

    async def any_until(self, tenant_id: str, moment: datetime, *, delayed: bool = False) -> bool:
        """Whether anything that was marked up to then still waits, or is set aside."""


class RunCloser:
    """Carries runs from heard to reconciled; killed anywhere, the next round goes on from what is stored."""

    def __init__(
        self,
        runs: Runs,
        rows: Rows,
        lines: Lines,
        *,
        touched: Touched,
        patience: timedelta = PATIENCE,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._runs, self._rows, self._lines = runs, rows, lines
        self._touched, self._patience, self._clock = touched, patience, clock
        self._trying = RunBackoff(clock)

    async def hear(self, news: Iterable[RunFinished]) -> None:
        now = utc(self._clock())
        await self._runs.hear([FinishedRun.of(one, now) for one in news])

    async def carry_on(self) -> bool:
        """One round; tells whether anything was closed or reconciled.

        One run is reconciled at a time, so that it is told before the lines of the next are summed up.
        """
        closed = await self._trying.each(await self._runs.heard(), self._close)
        reconciled = await self._trying.first(await self._runs.closed(), self._reconcile)
        return closed or reconciled

    async def _close(self, run: FinishedRun) -> bool:
        stored, now = await self._rows.stored_since(run), utc(self._clock())
        verdict = run.closing(stored, now, self._patience)
        if verdict is None:
            if sum(stored.values()) > run.stored:
                await self._runs.waits(run, sum(stored.values()), now)
            return False
        before = await self._rows.coverage(run)
        vouched = run.vouching(before) if verdict is Outcome.COMPLETE else None
        touched = await self._concerned(run, before) if vouched else set()
        log.info("run_closed", run_id=run.run_id, verdict=verdict, touched=len(touched))
        newest = await self._touched.newest(run.tenant_id)
        waits_for = max(now, newest) if newest else now
        return await self._runs.close(RunClosure(run, verdict, now, vouched, frozenset(touched), waits_for))

    async def _concerned(self, run: FinishedRun, before: Coverage) -> set[Ref]:
        """What a run that vouches changes: what went since the last that did, and lines that were stale.

        The first that vouches, or the first for long, concerns all of the integration.
        """
        place = run.tenant_id, run.integration_id
        if before.complete is None or run.started_at - before.complete.started_at > REMEMBERED:
            return {Ref(RefKind.INTEGRATION, run.integration_id)}
        since = min(run.first_revision, before.complete.first_revision)
        gone = await self._rows.gone_since(*place, since)
        stale = await self._lines.accounts_of(*place, stale=True) if run.kind is RunKind.FULL else set()
        return gone | stale

    async def _reconcile(self, run: FinishedRun) -> bool:
        if run.waits_for is None or await self._touched.any_until(run.tenant_id, run.waits_for):
            return False
        if await self._touched.any_until(run.tenant_id, run.waits_for, delayed=True):
            run = run.falling_short()
        totals = await self._lines.totals(run.tenant_id, [run.integration_id])
        await self._runs.reconciled(run, totals, utc(self._clock()))
        log.info("run_reconciled", run_id=run.run_id, by_class=totals.by_class)
        return True
