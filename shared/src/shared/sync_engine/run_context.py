"""What every step of a run works with: the claimed run, how to publish, how to tell of progress, the time."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.runtime.clock import Clock
from shared.sync_engine.change_publisher import ChangePublisher
from shared.sync_engine.models import IntegrationState, Run
from shared.sync_engine.progress import RunProgress
from shared.sync_engine.reports import RunTally, StepReport
from shared.sync_engine.run_repository import ClaimedRun
from shared.sync_engine.stamp import Stamp

FINISHING = "finishing"
"""The phase of a run whose steps are all done."""


@dataclass(slots=True)
class RunContext:
    """Carries one run from step to step; `claimed` is replaced as the run moves on."""

    claimed: ClaimedRun
    publisher: ChangePublisher
    progress: RunProgress
    clock: Clock

    @property
    def run(self) -> Run:
        return self.claimed.run

    @property
    def integration(self) -> IntegrationState:
        return self.claimed.integration

    async def stamp(self) -> Stamp:
        """Takes the stamp of a read that is about to be made; never take it afterwards."""
        revision = await self.publisher.next_revision()
        return Stamp.of(self.integration, self.run.run_id, revision, self.clock())

    def assert_lease(self) -> None:
        """Raises `LeaseLost` past the lease's deadline: a successor may have stored newer things by then."""
        self.claimed.lease.check()


@dataclass(frozen=True, slots=True)
class RunStep:
    """One stretch of a run; its report is stored with the run under the step's name."""

    name: str
    do: Callable[[RunContext], Awaitable[StepReport | None]]


class RunDefinition(Protocol):
    """What a run of one side consists of."""

    def steps(self) -> Sequence[RunStep]:
        """Returns the steps in their order; each opens and closes what it needs, and may be done again."""
        ...

    async def tally(self, run: Run) -> RunTally:
        """Sums up what was read, from what is stored: the run may have had several workers."""
        ...
