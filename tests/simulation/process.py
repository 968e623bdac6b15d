"""A simulated process: its tasks, its clock, and how it is paused and killed."""

# Invariant: what a process holds in memory is gone when it is killed, and what it asked of the world may
# still happen: a request that is on its way is carried out or lost, whoever sent it. A paused process does nothing
# at all, and goes on exactly where it was; time goes on without it.

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

from shared.runtime.clock import TIME_SOURCE, TimeSource
from tests.simulation.virtual_loop import PROCESS, VirtualLoop

EPOCH = datetime(2025, 1, 6, 8, tzinfo=UTC)
"""When every simulation begins: in the past, for messages about the future are refused."""
_CANCELLATIONS = 50


class _Life(Enum):
    RUNNING = "running"
    DYING = "dying"
    """Its tasks are being ended; nothing that they do reaches the world any more."""
    DEAD = "dead"


class Process:
    """One replica of a service, from its start to its end."""

    def __init__(self, loop: VirtualLoop, name: str, *, clock_error: timedelta = timedelta(0)) -> None:
        self.loop, self.name, self._life = loop, name, _Life.RUNNING
        self.tasks: set[asyncio.Task[Any]] = set()
        self.paused_until = 0.0
        self.on_death: list[Callable[[], None]] = []
        """What the world does when it notices."""
        self._context = Context()
        self._context.run(PROCESS.set, self)
        self._context.run(TIME_SOURCE.set, time_source(loop, clock_error))

    @property
    def is_alive(self) -> bool:
        return self._life is not _Life.DEAD

    @property
    def is_running(self) -> bool:
        return self._life is _Life.RUNNING

    def run(self, function: Callable[[], Any]) -> Any:
        """Calls a function as this process does, as when its objects are built."""
        return self._context.copy().run(function)

    def spawn(self, work: Coroutine[Any, Any, Any], name: str = "") -> "asyncio.Task[Any]":
        return self.loop.create_task(work, name=name or None, context=self._context.copy())

    def pause(self, seconds: float) -> None:
        self.paused_until = max(self.paused_until, self.loop.time() + seconds)

    def kill(self) -> None:
        """Ends it at once, wherever each of its tasks is."""
        self._life, self.paused_until = _Life.DYING, 0.0
        for _ in range(_CANCELLATIONS):
            for task in list(self.tasks):
                task.cancel()
            while self.loop.run_of(self):
                pass
            if not self.tasks:
                break
        self._life = _Life.DEAD
        for notice in self.on_death:
            notice()

    def require_running(self) -> None:
        """Raises `CancelledError` in a process that is ending: the world hears no more of it."""
        if not self.is_running:
            raise asyncio.CancelledError


def time_source(loop: VirtualLoop, clock_error: timedelta = timedelta(0)) -> TimeSource:
    """The time of the loop, and a wall clock that is wrong by so much."""
    start_ns = int((EPOCH + clock_error).timestamp()) * 1_000_000_000
    start_ns += clock_error.microseconds * 1000
    return TimeSource(lambda: start_ns + round(loop.time() * 1e9), loop.time)


def moment(seconds: float) -> datetime:
    """The moment so many seconds after the beginning."""
    return EPOCH + timedelta(seconds=seconds)


def seconds_of(at: datetime) -> float:
    return (at - EPOCH).total_seconds()
