"""Tells the status channel how far a run is: when it moves on, and every few seconds while it is open."""

import asyncio
from datetime import timedelta
from typing import Protocol

import structlog

from shared.runtime.attempt import attempt
from shared.status_channel import RunStatus
from shared.sync_engine.models import Run

log = structlog.get_logger()

LONGEST_REPORT_INTERVAL = timedelta(seconds=4)
"""After this an open run is reported although nothing happened (architecture §8 allows five seconds)."""
SHORTEST_REPORT_INTERVAL = timedelta(milliseconds=250)
"""Between two reports of one run: a thousand details a second must not be a thousand reports."""

_WAITING = "waiting for quota"


class StatusReporter(Protocol):
    """Takes the newest status of an integration; returns its sequence number."""

    async def report(self, status: RunStatus) -> int: ...


class RunProgress:
    """Holds where one run stands; moving it on awaits nothing, and a dead status channel stops nothing."""

    phase: str
    done: int
    total: int | None

    def __init__(self, status_channel: StatusReporter, run: Run) -> None:
        self._status_channel, self._run, self._moved = status_channel, run, asyncio.Event()
        self.phase, self.done, self.total = run.phase or "starting", 0, None

    def begin(self, phase: str, *, done: int = 0, total: int | None = None) -> None:
        """Begins a new stretch of the run; `total` is None while it is not known."""
        self.phase, self.done, self.total = phase, done, total
        self._moved.set()

    def advance(self, count: int = 1, *, total: int | None = None) -> None:
        self.done += count
        self.total = total if total is not None else self.total
        self._moved.set()

    async def report_until_cancelled(self) -> None:
        """Reports whenever the run moved on, but neither too often nor too seldom."""
        while True:
            self._moved.clear()
            # Redis is for what may be lost: a run goes on unreported.
            error = await attempt(self._status_channel.report(self._status()))
            if isinstance(error, Exception):
                log.warning("status_not_told", run_id=self._run.run_id, error=str(error))
            await asyncio.sleep(SHORTEST_REPORT_INTERVAL.total_seconds())
            try:
                async with asyncio.timeout(
                    (LONGEST_REPORT_INTERVAL - SHORTEST_REPORT_INTERVAL).total_seconds()
                ):
                    await self._moved.wait()
            except TimeoutError:
                continue

    async def report_last(self) -> None:
        """Reports once more; the outcome itself is billing's to tell."""
        await attempt(self._status_channel.report(self._status()))

    def _status(self) -> RunStatus:
        return RunStatus(
            tenant_id=self._run.tenant_id,
            integration_id=self._run.integration_id,
            run_id=self._run.run_id,
            sync_id=self._run.sync_ids[0],
            phase=self.phase,
            done=self.done,
            total=self.total,
        )


def waiting_status(run: Run) -> RunStatus:
    """Returns the status of a run that was put down."""
    return RunStatus(
        tenant_id=run.tenant_id,
        integration_id=run.integration_id,
        run_id=run.run_id,
        sync_id=run.sync_ids[0],
        phase=_WAITING,
        done=run.phase_done,
        total=run.phase_total,
        waits_until=run.not_before,
    )
