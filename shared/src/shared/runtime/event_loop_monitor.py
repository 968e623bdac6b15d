"""Sees within seconds that the event loop stands still, and says which line holds it."""

# Invariant: a loop that runs one call for long answers nothing, health included, and cannot say so itself.
# While it runs, `_ticks` grows between two looks of a thread. The thread counts its own looks, and no clock
# on the wall ends a process: one that was stopped as a whole (SIGSTOP, `docker pause`) is neither blocked
# nor lost. A call that also holds the interpreter's lock (a regular expression, a sort) stops the thread too,
# but uses the processor all the while: it is seen when it ends, by the time and the CPU that the next tick
# finds spent, and a timer of CPU time, which each tick sets anew and which needs no lock, ends what does not.
#
#   look (every 0.5 s)  1  2  3  4  5 …
#   ticks               7  8  8  8  8      → 4th look without a tick: `event_loop_blocked`, with the stack
#   2 min of looks, or of CPU, and no tick → every stack is written, and the process ends, to be started again
#
# Not seen: a call that holds the lock and waits for something without using the processor.

import asyncio
import ctypes
import faulthandler
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import structlog

from shared.limits import process as limits
from shared.limits import record_hit
from shared.runtime.attempt import attempt

log = structlog.get_logger()

_SHOWN_FRAMES = 6
_STDERR_FD = 2
_LEAST_CPU_SHARE = 0.1
"""Of the time between two ticks: a process that stood still as a whole has used none."""


@dataclass(frozen=True, slots=True)
class BlockPolicy:
    """How often the loop is looked at, and after how long it counts as blocked, and as lost."""

    interval: timedelta = timedelta(milliseconds=500)
    blocked_after: timedelta = timedelta(seconds=limits.EVENT_LOOP_BLOCKED_SECONDS.most)
    lost_after: timedelta = timedelta(seconds=limits.EVENT_LOOP_LOST_SECONDS.most)
    degraded_for: timedelta = timedelta(minutes=5)
    """How long a service that was blocked says so in its health."""


_DEFAULT_POLICY = BlockPolicy()


class EventLoopMonitor:
    """Watches the loop in which it runs; for one loop."""

    def __init__(self, policy: BlockPolicy = _DEFAULT_POLICY) -> None:
        self._policy, self._ticks = policy, 0
        self._over = threading.Event()
        self._last_block: tuple[float, str] | None = None
        """When the loop was last found blocked, as a moment of the loop's clock, and where."""

    def degradation(self) -> str | None:
        """Returns where the loop was blocked a moment ago, as a sentence; None when it was not."""
        if self._last_block is None:
            return None
        at, where = self._last_block
        ago_seconds = asyncio.get_running_loop().time() - at
        if ago_seconds > self._policy.degraded_for.total_seconds():
            return None
        minutes = self._policy.degraded_for / timedelta(minutes=1)
        return f"the event loop stood still within the last {minutes:.0f} minutes, in {where}"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Watches the loop while the block runs."""
        loop = asyncio.get_running_loop()
        _end_the_process_on_sigprof()
        ticking = asyncio.create_task(self._tick(), name="event loop monitor")
        watcher = threading.Thread(target=self._watch, args=(loop, threading.get_ident()), daemon=True)
        watcher.start()
        try:
            yield
        finally:
            self._over.set()
            ticking.cancel()
            signal.setitimer(signal.ITIMER_PROF, 0)
            await attempt(asyncio.to_thread(watcher.join))

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        at, cpu = loop.time(), time.process_time()
        while True:
            self._ticks += 1
            signal.setitimer(signal.ITIMER_PROF, self._policy.lost_after.total_seconds())
            await asyncio.sleep(self._policy.interval.total_seconds() / 2)
            before, cpu_before, at, cpu = at, cpu, loop.time(), time.process_time()
            reported = self._last_block is not None and self._last_block[0] > before
            was_busy = cpu - cpu_before > _LEAST_CPU_SHARE * (at - before)
            if at - before > self._policy.blocked_after.total_seconds() and was_busy and not reported:
                self._note_block(at, "a call that held the interpreter's lock", [])

    def _watch(self, loop: asyncio.AbstractEventLoop, loop_thread_id: int) -> None:
        seen, looks = self._ticks, 0
        blocked_looks = round(self._policy.blocked_after / self._policy.interval)
        lost_looks = round(self._policy.lost_after / self._policy.interval)
        while not self._over.wait(self._policy.interval.total_seconds()):
            if self._ticks != seen:
                seen, looks = self._ticks, 0
                continue
            looks += 1
            if looks == blocked_looks:
                self._report(loop, loop_thread_id)
            if looks == lost_looks:
                faulthandler.dump_traceback(file=_STDERR_FD, all_threads=True)
                os._exit(1)  # the loop that would end the process in order is the one that is lost

    def _report(self, loop: asyncio.AbstractEventLoop, loop_thread_id: int) -> None:
        frame = sys._current_frames().get(loop_thread_id)  # noqa: SLF001  the one way to another thread's stack
        stack = traceback.extract_stack(frame)[-_SHOWN_FRAMES:] if frame else []
        frames = [f"{entry.filename}:{entry.lineno} {entry.name}" for entry in stack]
        self._note_block(loop.time(), frames[-1] if frames else "a call that ended meanwhile", frames)

    def _note_block(self, at_seconds: float, where: str, frames: list[str]) -> None:
        self._last_block = at_seconds, where
        record_hit(limits.EVENT_LOOP_BLOCKED_SECONDS)
        log.error("event_loop_blocked", where=where, frames=frames)


def _end_the_process_on_sigprof() -> None:
    """Lets the signal of the CPU timer write all stacks and end the process, without the interpreter's lock.

    The signal's default does not end the first process of a container, so libc's `_exit` handles it, with the
    signal as the exit code; faulthandler stands before it, and hands on to it.
    """
    faulthandler.unregister(signal.SIGPROF)
    libc = ctypes.CDLL(None)
    libc.signal(signal.SIGPROF, libc._exit)  # noqa: SLF001  its name
    faulthandler.register(signal.SIGPROF, file=_STDERR_FD, all_threads=True, chain=True)
