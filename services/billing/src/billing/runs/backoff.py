"""The same for many runs: a bug in what one of them needs must not hold up the others."""

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta

import structlog

from billing.runs.models import FinishedRun
from shared.errors import TransientError
from shared.runtime.attempt import attempt

log = structlog.get_logger()

PAUSE = timedelta(minutes=1)
"""How long what failed is left alone: what stopped it may be mended by news, or by a new version."""


class RunBackoff:
    """Remembers, in this process alone, which runs failed a moment ago."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._aside: dict[tuple[str, str, str], datetime] = {}

    async def each(self, runs: Iterable[FinishedRun], step: Callable[[FinishedRun], Awaitable[bool]]) -> bool:
        """Whether the step did anything for any of them. Raises `TransientError` at once."""
        return any([await self._one(run, step) for run in runs])

    async def first(
        self, runs: Iterable[FinishedRun], step: Callable[[FinishedRun], Awaitable[bool]]
    ) -> bool:
        """Goes no further than the first run that the step did anything for; tells whether there was one."""
        for run in runs:
            if await self._one(run, step):
                return True
        return False

    async def _one(self, run: FinishedRun, step: Callable[[FinishedRun], Awaitable[bool]]) -> bool:
        now, key = self._clock(), (run.tenant_id, run.integration_id, run.run_id)
        if self._aside.get(key, now) > now:
            return False
        self._aside.pop(key, None)
        outcome = await attempt(step(run))
        if isinstance(outcome, TransientError):
            raise outcome
        if isinstance(outcome, Exception):
            self._aside[key] = now + PAUSE
            log.error("run_set_aside", tenant_id=run.tenant_id, run_id=run.run_id, exc_info=outcome)
            return False
        return outcome
