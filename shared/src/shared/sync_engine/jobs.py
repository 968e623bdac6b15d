"""Time in: the workers that carry runs. All reading of providers happens in here."""

from datetime import timedelta
from functools import partial

from shared.runtime.health import Health
from shared.runtime.jobs import Job
from shared.sync_engine.run_repository import RunRepository
from shared.sync_engine.run_worker import RunDefinition, RunWorker, WorkerTools

_LOOK = timedelta(seconds=1)


class RunJobs:
    """As many workers as runs, each of another integration, may go on at once in one process."""

    def __init__(
        self, runs: RunRepository, work: RunDefinition, tools: WorkerTools, *, health: Health, at_once: int
    ) -> None:
        names = [f"runs {place}" for place in range(at_once)]
        self._workers = {
            name: RunWorker(runs, work, tools, beat=partial(health.heartbeat, name)) for name in names
        }
        self.jobs = [Job(name, worker.step, _LOOK) for name, worker in self._workers.items()]

    def wake(self) -> None:
        for job in self.jobs:
            job.wake.set()

    def stop(self) -> None:
        """Put down the runs that are going on, for whoever comes next."""
        for worker in self._workers.values():
            worker.stop()
