"""Tells the status channel how far a run is: when it moves on, and every few seconds while it is open."""

import asyncio
from collections.abc import Callable
from typing import Protocol

import structlog

from shared.runtime.attempt import attempt
from shared.status_channel import RunStatus
from shared.sync_engine.models import Run

log = structlog.get_logger()

QUIET = 4.0
"""Seconds after which an open run is told of again although nothing happened (architecture §8: 5 at most)."""
BREATH = 0.25
"""Seconds between two reports at least."""

WAITING = "waiting for quota"
_LONG = 60.0
"""Seconds without a call after which that is what there is to say; each call's turn comes much sooner."""


class StatusReporter(Protocol):
    """Takes the newest status of an integration."""

    async def report(self, status: RunStatus) -> int: ...


class RunProgress:
    """Where one run stands; nothing is awaited to move it on, and a dead status channel stops nothing."""

    def __init__(self, live: StatusReporter, run: Run) -> None:
        self._live, self._run, self._moved = live, run, asyncio.Event()
        self.phase, self.done, self.total = run.phase or "starting", 0, None
        self.held_for: Callable[[], float] = lambda: 0.0
        """Seconds for which the provider lets nobody call."""

    phase: str
    done: int
    total: int | None

    def begin(self, phase: str, *, done: int = 0, total: int | None = None) -> None:
        """A new stretch of the run; `total` is None while it is not known."""
        self.phase, self.done, self.total = phase, done, total
        self._moved.set()

    def advance(self, count: int = 1, *, total: int | None = None) -> None:
        self.done += count
        self.total = total if total is not None else self.total
        self._moved.set()

    async def tell(self) -> None:
        """Report as often as it moves, but neither too often nor too seldom, until cancelled."""
        while True:
            self._moved.clear()
            # Redis is for what may be lost: a run goes on untold.
            error = await attempt(self._live.report(self._status()))
            if isinstance(error, Exception):
                log.warning("status_not_told", run_id=self._run.run_id, error=str(error))
            await asyncio.sleep(BREATH)
            await self._news()

    async def close(self) -> None:
        """The last word of this side: the outcome is billing's to tell."""
        await attempt(self._live.report(self._status()))

    async def _news(self) -> None:
        try:
            async with asyncio.timeout(QUIET - BREATH):
                await self._moved.wait()
        except TimeoutError:
            return

    def _status(self) -> RunStatus:
        return RunStatus(
            tenant_id=self._run.tenant_id,
            integration_id=self._run.integration_id,
            run_id=self._run.run_id,
            sync_id=self._run.sync_ids[0],
            phase=WAITING if self.held_for() > _LONG else self.phase,
            done=self.done,
            total=self.total,
        )
