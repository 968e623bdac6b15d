"""Watches over the runs that were put down until their provider may be called again."""

# Invariant: whatever a worker does for a run that it carries is done while nobody carries it. A run that is
# put down is reported as often as an open one, and one that is no longer wanted may be claimed at once, to be
# ended; looking again and again finds what was disconnected in the very moment in which it was put down:
#
#   r1 not before tomorrow   its integration is disconnected → not_before goes, a worker claims r1 and ends it

import structlog

from shared.runtime.attempt import attempt
from shared.sync_engine.models import RunStopped
from shared.sync_engine.progress import StatusReporter, waiting_status
from shared.sync_engine.run_repository import RunRepository

log = structlog.get_logger()


class PausedRuns:
    """Looks at all runs of one sync service that are put down."""

    def __init__(self, runs: RunRepository, status_channel: StatusReporter) -> None:
        self._runs, self._status_channel = runs, status_channel

    async def step(self) -> bool:
        """Ends the pause of each run that is no longer wanted, and reports the others. Fits a `Job`."""
        waiting = []
        for run in await self._runs.paused():
            try:
                await self._runs.check_wanted(run)
            except RunStopped as stopped:
                log.info("run_pause_ended", run_id=run.run_id, reason=str(stopped))
                await self._runs.end_pause(run)
            else:
                waiting.append(run)
        for run in waiting:
            error = await attempt(self._status_channel.report(waiting_status(run)))
            if isinstance(error, Exception):
                # Redis is away: each further report would take as long to fail.
                log.warning("status_not_told", run_id=run.run_id, error=str(error))
                break
        return False
