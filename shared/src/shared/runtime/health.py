"""Health as progress: a process that answers but gets nothing done is not alive."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Response

from shared.runtime.attempt import attempt

HealthProbe = Callable[[], Awaitable[Any]]

_PATIENCE = 5.0


class Health:
    """What a service's parts have got done, and when last.

    A *watched* part must beat within its limit for the process to count as alive; a *probe* must answer
    for it to count as ready.
    """

    def __init__(self, service: str) -> None:
        self.service = service
        self._beats: dict[str, float] = {}
        self._limits: dict[str, float] = {}
        self._probes: dict[str, HealthProbe] = {}
        self._troubles: dict[str, Callable[[], bool]] = {}
        self._alive: dict[str, Callable[[], bool]] = {}

    def beat(self, name: str) -> None:
        """The part got something done, or found that there is nothing to do."""
        self._beats[name] = time.monotonic()

    def watch(self, name: str, limit: timedelta) -> None:
        """From now on the part must beat at least once in `limit`."""
        self._limits[name] = limit.total_seconds()
        self.beat(name)

    def unwatch(self, name: str) -> None:
        self._limits.pop(name, None)

    @contextmanager
    def within(self, name: str, limit: timedelta) -> Iterator[None]:
        """What is done in here must end within `limit`: afterwards there may be nothing to do for long."""
        self.watch(name, limit)
        try:
            yield
        finally:
            self.unwatch(name)

    def check(self, name: str, probe: HealthProbe) -> None:
        """Ready only while the probe answers within five seconds."""
        self._probes[name] = probe

    def consumes(self, name: str, storming: Callable[[], bool]) -> None:
        """A consumer that dead-letters everything makes the service unready."""
        self._troubles[name] = storming

    def lives(self, name: str, alive: Callable[[], bool]) -> None:
        """Alive only while `alive()` says so (a consume loop that ended never comes back by itself)."""
        self._alive[name] = alive

    def stalled(self) -> list[str]:
        """The parts that make the process count as dead."""
        now = time.monotonic()
        late = [name for name, limit in self._limits.items() if now - self._beats[name] > limit]
        return late + [name for name, alive in self._alive.items() if not alive()]

    async def unready(self) -> list[str]:
        """The parts that do not answer, are stalled, or set aside all they read."""
        answers = await asyncio.gather(*(_answers(probe) for probe in self._probes.values()))
        silent = [name for name, answer in zip(self._probes, answers, strict=True) if not answer]
        return silent + [name for name, trouble in self._troubles.items() if trouble()] + self.stalled()

    def router(self) -> APIRouter:
        """`/health/live` and `/health/ready`: 200, or 503 with the names of the parts at fault."""
        router = APIRouter(prefix="/health", include_in_schema=False)

        @router.get("/live")
        async def live(response: Response) -> dict[str, Any]:
            return self._verdict(response, self.stalled())

        @router.get("/ready")
        async def ready(response: Response) -> dict[str, Any]:
            return self._verdict(response, await self.unready())

        return router

    def _verdict(self, response: Response, faults: list[str]) -> dict[str, Any]:
        response.status_code = 503 if faults else 200
        return {"service": self.service, "ok": not faults, "faults": faults}


async def _answers(probe: HealthProbe) -> bool:
    return not isinstance(await attempt(asyncio.wait_for(probe(), _PATIENCE)), Exception)
