"""Jobs: loops that start work by the clock or when woken, and survive what goes wrong in one round."""

# Invariant: a job goes on until it is stopped, whatever its step raises. A wake-up is never lost: the event
# is cleared *before* the step looks for work, so that one set meanwhile starts another round at once.
#
#   the step returns True    more may be waiting: the next round follows at once
#   the step returns False   the next round follows after `every`, or when woken
#   the step raises          the next round follows after a pause that doubles up to 10 s, woken or not

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from shared.errors import TransientError
from shared.runtime.attempt import attempt
from shared.runtime.backoff import backoff_seconds
from shared.runtime.health import Health

log = structlog.get_logger()

Step = Callable[[], Awaitable[bool]]
"""One round of work; tells whether more may be waiting already."""

_SHORTEST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 10.0


@dataclass(slots=True)
class Job:
    """Runs `step` again and again."""

    name: str
    step: Step
    every: timedelta
    """The pause between two rounds that found no more work."""
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    """Set it to start the next round now."""
    step_limit: timedelta = timedelta(minutes=5)
    """How long one step may take before the process counts as dead."""

    async def run(self, stop: asyncio.Event, health: Health) -> None:
        """Runs until `stop` is set; a step that is going on then is finished first."""
        health.expect_heartbeats(self.name, self.step_limit + self.every)
        failures = 0
        while not stop.is_set():
            self.wake.clear()
            outcome = await attempt(self.step())
            if isinstance(outcome, TransientError):
                failures += 1
                log.warning("job_round_failed", job=self.name, error=str(outcome))
            elif isinstance(outcome, Exception):
                failures += 1
                log.error("job_round_failed", job=self.name, exc_info=outcome)
            else:
                failures = 0
                health.heartbeat(self.name)
            if outcome is not True:
                await self._pause(stop, failures)
        health.expect_no_more_heartbeats(self.name)

    async def _pause(self, stop: asyncio.Event, failures: int) -> None:
        seconds = self.every.total_seconds()
        if failures:
            first_seconds = max(seconds, _SHORTEST_PAUSE_SECONDS)
            seconds = backoff_seconds(failures, first=first_seconds, longest=_LONGEST_PAUSE_SECONDS)
        waiters = [asyncio.ensure_future(event.wait()) for event in (stop, self.wake)]
        try:
            await asyncio.wait(
                waiters[: 1 if failures else 2], timeout=seconds, return_when="FIRST_COMPLETED"
            )
        finally:
            for waiter in waiters:
                waiter.cancel()
