"""Time in: the workers that carry runs. All reading of providers happens in these jobs."""

from datetime import timedelta
from functools import partial

from shared.runtime.health import Health
from shared.runtime.jobs import Job
from shared.sync_engine.paused_runs import PausedRuns
from shared.sync_engine.run_context import RunDefinition
from shared.sync_engine.run_repository import RunRepository
from shared.sync_engine.run_worker import RunWorker, WorkerTools
from shared.sync_engine.tenant_shares import TenantShares

_LOOK_INTERVAL = timedelta(seconds=1)
"""Between two looks for runs that wait, by whichever worker looks first."""


class RunJobs:
    """Holds one worker for each run that may go on at once in this process, each of another integration."""

    def __init__(
        self,
        runs: RunRepository,
        definition: RunDefinition,
        tools: WorkerTools,
        *,
        health: Health,
        workers: int,
        workers_per_tenant: int,
    ) -> None:
        self._shares = TenantShares(workers_per_tenant, rest=_LOOK_INTERVAL)
        names = [f"runs {place}" for place in range(workers)]
        self._workers = {
            name: RunWorker(
                runs, definition, tools, shares=self._shares, beat=partial(health.heartbeat, name)
            )
            for name in names
        }
        paused_runs = PausedRuns(runs, tools.status_channel)
        self.jobs = [
            Job("paused runs", paused_runs.step, tools.watch_interval),
            *(Job(name, worker.step, _LOOK_INTERVAL) for name, worker in self._workers.items()),
        ]

    def wake(self) -> None:
        self._shares.wake()
        for job in self.jobs:
            job.wake.set()

    def stop(self) -> None:
        """Suspends the runs that are going on, for whoever claims them next."""
        for worker in self._workers.values():
            worker.stop()
