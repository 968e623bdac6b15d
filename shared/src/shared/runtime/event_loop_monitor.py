"""Sees within seconds that the event loop stands still, and says which line holds it."""

# Invariant: while the loop runs, `_ticks` grows between two looks of the thread. A loop that runs one call
# for long answers nothing, health included, and cannot say so itself; a thread of its own can. The thread
# counts its own looks, not time: a process that was stopped as a whole (SIGSTOP, a suspended machine) is not
# blocked.
#
#   look (every 0.5 s)  1  2  3  4  5  6 …
#   ticks               7  8  8  8  8  8      → 4th look without a tick: `event_loop_blocked`, with the stack
#                                             → 240th (2 min): the process ends, to be started again

import asyncio
import faulthandler
import os
import sys
import threading
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

EXIT_CODE = 70
"""EX_SOFTWARE of sysexits.h."""
_SHOWN_FRAMES = 6


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
        return f"the event loop stood still {ago_seconds:.0f} s ago, in {where}"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Watches the loop while the block runs."""
        loop = asyncio.get_running_loop()
        ticking = asyncio.create_task(self._tick(), name="event loop monitor")
        watcher = threading.Thread(target=self._watch, args=(loop, threading.get_ident()), daemon=True)
        watcher.start()
        try:
            yield
        finally:
            self._over.set()
            ticking.cancel()
            await attempt(asyncio.to_thread(watcher.join))

    async def _tick(self) -> None:
        while True:
            self._ticks += 1
            await asyncio.sleep(self._policy.interval.total_seconds() / 2)

    def _watch(self, loop: asyncio.AbstractEventLoop, loop_thread_id: int) -> None:
        seen, looks = self._ticks, 0
        blocked_looks, lost_looks = (
            round(limit / self._policy.interval)
            for limit in (self._policy.blocked_after, self._policy.lost_after)
        )
        while not self._over.wait(self._policy.interval.total_seconds()):
            if self._ticks != seen:
                seen, looks = self._ticks, 0
                continue
            looks += 1
            if looks == blocked_looks:
                self._report(loop, loop_thread_id)
            elif looks >= lost_looks:
                self._end_process()

    def _report(self, loop: asyncio.AbstractEventLoop, loop_thread_id: int) -> None:
        frame = sys._current_frames().get(loop_thread_id)  # noqa: SLF001  the one way to another thread's stack
        stack = traceback.extract_stack(frame)[-_SHOWN_FRAMES:] if frame else []
        frames = [f"{entry.filename}:{entry.lineno} {entry.name}" for entry in stack]
        self._last_block = loop.time(), frames[-1] if frames else "a call that ended meanwhile"
        record_hit(limits.EVENT_LOOP_BLOCKED_SECONDS)
        log.error("event_loop_blocked", frames=frames)

    def _end_process(self) -> None:
        """Ends a process whose loop does not come back: what it was doing is continued by its successor."""
        log.critical("event_loop_lost", after_seconds=self._policy.lost_after.total_seconds())
        faulthandler.dump_traceback(all_threads=True)
        os._exit(EXIT_CODE)
