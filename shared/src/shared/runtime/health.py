"""Health as progress: a process that answers but gets nothing done is not alive."""

# Two questions, as Kubernetes asks them. Live: not when a heartbeat is late or a liveness check fails, and a
# restart helps. Ready: not when not live, or when a probe fails (a store is away) and a restart does not
# help. A part that goes on and needs somebody's attention (dead letters in numbers, a paused partition, a
# message that was set aside) makes the service *degraded*: it stays ready, its report names the part, and the
# log says why, for anybody may ask, and the sentence may name a tenant, a person, a path. A loop promises
# heartbeats; work of unknown length runs inside `time_limit`, so that a consumer that idles for hours still
# counts as alive. However many ask, each store is asked once at a time, and once a second:
#
#   0.0 s ann asks: probes   0.2 s bob: waits for the same   0.9 s eve: is told the same   1.1 s ann: probes

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import structlog
from fastapi import APIRouter, Response

from shared import limits
from shared.runtime.attempt import attempt

log = structlog.get_logger()

HealthProbe = Callable[[], Awaitable[Any]]
"""Raises when the thing that it asks does not answer."""

_PROBE_TIMEOUT = timedelta(seconds=5)
_PROBE_INTERVAL = timedelta(seconds=1)


class Health:
    """Collects what the parts of a service say of themselves, each part under its name."""

    def __init__(self, service: str) -> None:
        self.service = service
        self._heartbeat_seconds: dict[str, float] = {}
        """The monotonic moment of each part's last heartbeat."""
        self._limit_seconds: dict[str, float] = {}
        self._readiness_probes: dict[str, HealthProbe] = {}
        self._liveness_checks: dict[str, Callable[[], bool]] = {}
        self._degradation_checks: dict[str, Callable[[], str | None]] = {}
        self._logged_degradations: dict[str, str] = {}
        self._probing: asyncio.Task[list[str]] | None = None
        """The newest asking of the stores, under way or over; it returns the names of those that failed."""
        self._probed_seconds = 0.0
        """The monotonic moment at which it began."""

    def heartbeat(self, name: str) -> None:
        """Notes that the part got something done, or found that there is nothing to do."""
        self._heartbeat_seconds[name] = time.monotonic()

    def expect_heartbeats(self, name: str, limit: timedelta) -> None:
        """From now on the process is alive only while the part's last heartbeat is no older than `limit`."""
        self._limit_seconds[name] = limit.total_seconds()
        self.heartbeat(name)

    def expect_no_more_heartbeats(self, name: str) -> None:
        self._limit_seconds.pop(name, None)

    @contextmanager
    def time_limit(self, name: str, limit: timedelta) -> Iterator[None]:
        """The process is alive only while the block takes at most `limit`; afterwards the part may idle."""
        self.expect_heartbeats(name, limit)
        try:
            yield
        finally:
            self.expect_no_more_heartbeats(name)

    def add_readiness_probe(self, name: str, probe: HealthProbe) -> None:
        """The service is ready only while the probe answers within five seconds."""
        self._readiness_probes[name] = probe

    def add_liveness_check(self, name: str, is_alive: Callable[[], bool]) -> None:
        """The process is alive only while `is_alive()`, as of a loop that never comes back by itself."""
        self._liveness_checks[name] = is_alive

    def add_degradation_check(self, name: str, degradation: Callable[[], str | None]) -> None:
        """The service is degraded while `degradation()` returns a sentence that says how, and what to do."""
        self._degradation_checks[name] = degradation

    def degraded(self) -> dict[str, str]:
        """Returns why the service is degraded, by the name of the part; empty when it is not."""
        sentences = {name: degradation() for name, degradation in self._degradation_checks.items()}
        return {name: sentence for name, sentence in sentences.items() if sentence is not None}

    def stalled(self) -> list[str]:
        """Returns the names of the parts that make the process count as dead."""
        now = time.monotonic()
        late = [
            name for name, limit in self._limit_seconds.items() if now - self._heartbeat_seconds[name] > limit
        ]
        return late + [name for name, is_alive in self._liveness_checks.items() if not is_alive()]

    async def unready(self) -> list[str]:
        """Returns the names of the parts that do not answer, as of at most a second ago, or are stalled."""
        now = time.monotonic()
        is_old = now - self._probed_seconds > _PROBE_INTERVAL.total_seconds()
        if self._probing is None or (self._probing.done() and is_old):
            self._probing, self._probed_seconds = asyncio.create_task(self._silent()), now
        # Whoever asked first may leave, and the others wait for the same answer.
        return [*await asyncio.shield(self._probing), *self.stalled()]

    async def _silent(self) -> list[str]:
        limit_seconds = _PROBE_TIMEOUT.total_seconds()
        answers = await asyncio.gather(
            *(attempt(asyncio.wait_for(probe(), limit_seconds)) for probe in self._readiness_probes.values())
        )
        named = zip(self._readiness_probes, answers, strict=True)
        return [name for name, answer in named if isinstance(answer, Exception)]

    def router(self) -> APIRouter:
        """Builds `/health/live` and `/health/ready`: 200, or 503 with the names of the parts at fault.

        `/health/ready` also names the parts that are degraded, and says how often which limit
        (`shared.limits`) was hit since the process started.
        """
        router = APIRouter(prefix="/health", include_in_schema=False)

        @router.get("/live")
        async def live(response: Response) -> dict[str, Any]:
            return self._report(response, self.stalled())

        @router.get("/ready")
        async def ready(response: Response) -> dict[str, Any]:
            report = self._report(response, await self.unready())
            degraded = self.degraded()
            self._log_changes(degraded)
            return report | {"degraded": list(degraded), "limits": limits.hits()}

        return router

    def _log_changes(self, degraded: dict[str, str]) -> None:
        for part, why in degraded.items():
            if self._logged_degradations.get(part) != why:
                log.warning("service_degraded", part=part, why=why)
        for part in self._logged_degradations.keys() - degraded.keys():
            log.info("service_degraded_no_more", part=part)
        self._logged_degradations = degraded

    def _report(self, response: Response, faults: list[str]) -> dict[str, Any]:
        response.status_code = 503 if faults else 200
        return {"service": self.service, "ok": not faults, "faults": faults}
