"""An event loop whose time is virtual and whose order is drawn from a seed: one thread, no sockets."""

# Invariant: what runs next depends on the seed alone. Time stands still while anything is ready, and jumps to
# the next timer when nothing is. Callbacks belong to the simulated process in whose context they were
# scheduled: those of a process that is paused wait for its end, those of a dead one are dropped.
#
#   ready [a, b, c]   → any of them, by the seed      nothing ready, timers at 5.0 and 7.2 → it is 5.0

import asyncio
import heapq
from asyncio import events
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from tests.simulation.process import Process

T = TypeVar("T")

PROCESS: ContextVar["Process | None"] = ContextVar("PROCESS", default=None)
"""The simulated process that a task is part of; None for the world around."""
_LOOKED_AT = 4
"""Of the ready callbacks so many may change places: enough for every order of a few, and cheap."""
_CALLBACKS_AT_ONE_INSTANT = 200_000


class Livelock(AssertionError):
    """Callbacks schedule each other without end while time stands still."""


class VirtualLoop(asyncio.AbstractEventLoop):
    """Runs callbacks until a moment of virtual time, in seconds since the simulation began."""

    def __init__(self, random: Random) -> None:
        self._random, self._now, self._closed = random, 0.0, False
        self._ready: list[asyncio.Handle] = []
        self._timers: list[tuple[float, float, asyncio.TimerHandle]] = []
        self._instant_count = 0
        self.callbacks_run = 0
        self.failures: list[dict[str, Any]] = []
        """What no task was there to hear of; a simulation with any has failed."""

    def run_until(self, moment: float) -> None:
        """Runs everything up to a moment; it is that moment afterwards."""
        while True:
            self._move_due_timers()
            if self._ready:
                self._run_one()
            elif self._timers and self._timers[0][0] <= moment:
                self._now, self._instant_count = self._timers[0][0], 0
            else:
                self._now, self._instant_count = max(self._now, moment), 0
                return

    def run_until_complete(self, future: Coroutine[Any, Any, T] | Any, *, within: float = 3600.0) -> T:
        """Runs until a task is done; raises `TimeoutError` when that takes too much virtual time."""
        task = self.create_task(future) if asyncio.iscoroutine(future) else future
        until = self._now + within
        while not task.done():
            self._move_due_timers()
            if self._ready:
                self._run_one()
            elif self._timers and self._timers[0][0] <= until:
                self._now, self._instant_count = self._timers[0][0], 0
            else:
                raise TimeoutError(f"{task!r} waits for what never comes")
        result: T = task.result()
        return result

    def run_of(self, process: "Process") -> bool:
        """Runs what is ready of one process; tells whether there was anything."""
        mine = [handle for handle in self._ready if _process_of(handle) is process]
        for handle in mine:
            self._ready.remove(handle)
            self._run(handle)
        return bool(mine)

    def _move_due_timers(self) -> None:
        while self._timers and self._timers[0][0] <= self._now:
            handle = heapq.heappop(self._timers)[2]
            if not handle.cancelled():
                self._ready.append(handle)

    def _run_one(self) -> None:
        looked_at = min(len(self._ready), _LOOKED_AT)
        handle = self._ready.pop(self._random.randrange(looked_at) if looked_at > 1 else 0)
        process = _process_of(handle)
        if process is None or process.is_alive:
            if process is not None and process.paused_until > self._now:
                self._push(process.paused_until, handle)
            else:
                self._run(handle)

    def _run(self, handle: asyncio.Handle) -> None:
        if handle.cancelled():
            return
        self.callbacks_run += 1
        self._instant_count += 1
        if self._instant_count > _CALLBACKS_AT_ONE_INSTANT:
            raise Livelock(f"{handle!r} and others run on and on at {self._now}")
        events._set_running_loop(self)  # noqa: SLF001  what every loop does
        try:
            handle._run()  # noqa: SLF001
        finally:
            events._set_running_loop(None)  # noqa: SLF001

    def _push(self, when: float, handle: Any) -> None:
        heapq.heappush(self._timers, (when, self._random.random(), handle))

    # What asyncio asks of a loop.

    def time(self) -> float:
        return self._now

    def call_soon(  # type: ignore[override]  # plain arguments are enough
        self, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self._push(when, handle)
        return handle

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def create_future(self) -> "asyncio.Future[Any]":
        return asyncio.Future(loop=self)

    def create_task(
        self, coro: Any, *, name: str | None = None, context: Context | None = None
    ) -> "asyncio.Task[Any]":
        context = copy_context() if context is None else context
        task = asyncio.Task(coro, loop=self, name=name, context=context)
        process = context.get(PROCESS)
        if process is not None:
            process.tasks.add(task)
            task.add_done_callback(process.tasks.discard, context=Context())
        return task

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return self._closed

    def close(self) -> None:
        self._closed = True
        self._ready.clear()
        self._timers.clear()

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.failures.append(context)

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        self.failures.append(context)

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """A cancelled timer is passed over when its time comes."""


def _process_of(handle: asyncio.Handle) -> "Process | None":
    context: Context = handle._context  # type: ignore[attr-defined]  # noqa: SLF001  it has no public way
    return context.get(PROCESS)
