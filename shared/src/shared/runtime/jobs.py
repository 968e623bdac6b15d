"""Jobs: loops that start work by the clock or when woken, and survive what goes wrong in one round."""

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

_LONGEST_PAUSE_SECONDS = 10.0


@dataclass(slots=True)
class Job:
    """Runs `step` again and again; a step tells whether more may be waiting already."""

    name: str
    step: Step
    every: timedelta
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    longest: timedelta = timedelta(minutes=5)
    """How long one step may take before the process counts as stuck."""

    async def run(self, stop: asyncio.Event, health: Health) -> None:
        """Until `stop` is set; the step that is going on then is finished first."""
        health.watch(self.name, self.longest + self.every)
        failures = 0
        while not stop.is_set():
            self.wake.clear()
            more = await attempt(self.step())
            if not isinstance(more, Exception):  # a round that fails for ever is no progress
                health.beat(self.name)
            failures = failures + 1 if isinstance(more, Exception) else 0
            if isinstance(more, Exception):
                self._tell(more)
            if more is not True:
                await self._pause(stop, failures)
        health.unwatch(self.name)

    def _tell(self, error: Exception) -> None:
        if isinstance(error, TransientError):
            log.warning("job_round_failed", job=self.name, error=str(error))
        else:
            log.error("job_round_failed", job=self.name, exc_info=error)

    async def _pause(self, stop: asyncio.Event, failures: int) -> None:
        seconds = self.every.total_seconds()
        if failures:
            seconds = backoff_seconds(failures, first=max(seconds, 0.5), longest=_LONGEST_PAUSE_SECONDS)
        waiters = [asyncio.ensure_future(event.wait()) for event in (stop, self.wake)]
        try:
            await asyncio.wait(
                waiters[: 1 if failures else 2], timeout=seconds, return_when="FIRST_COMPLETED"
            )
        finally:
            for waiter in waiters:
                waiter.cancel()
