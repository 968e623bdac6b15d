"""Time in: the workers that carry runs. All HTTP to marketplaces happens in here."""

from datetime import timedelta
from functools import partial

from shared.health import Health
from shared.jobs import Job
from shared.syncing.runs import Runs
from shared.syncing.working import Tools, Worker
from vendor_sync.service.running import VendorRun

AT_ONCE = 4
"""Runs of different integrations going on in one process; each keeps to its own budget."""
_LOOK = timedelta(seconds=1)


class RunJobs:
    """As many workers as runs may go on at once."""

    def __init__(self, runs: Runs, work: VendorRun, tools: Tools, health: Health) -> None:
        names = [f"runs {place}" for place in range(AT_ONCE)]
        self._workers = {name: Worker(runs, work, tools, beat=partial(health.beat, name)) for name in names}
        self.jobs = [Job(name, worker.step, _LOOK) for name, worker in self._workers.items()]

    def wake(self) -> None:
        for job in self.jobs:
            job.wake.set()

    def stop(self) -> None:
        """Put down the runs that are going on, for whoever comes next."""
        for worker in self._workers.values():
            worker.stop()
