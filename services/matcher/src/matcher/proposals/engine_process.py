"""Runs the engine in a process of its own, so that the service's loop and memory stay free."""

# Invariant: one process at most is left over from task to task, and none for ever. It ends when it has had
# nothing to do for a while, after very long lists at once; it is killed when nobody waits for its answer any
# more, and finds its input closed when the service was killed. What it knew is then forgotten here as well:
#
#   task, all → answer    task, changes → answer    5 minutes → it ends    task, all → another process

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import timedelta

from pydantic import TypeAdapter

from matcher.catalogue.items import Item
from matcher.proposals.engine_task import RankedLine, Task
from matcher.proposals.index_mirror import MOST_KEPT, IndexMirror, PlannedTask
from matcher.proposals.models import EngineAnswer
from shared.contracts.matcher import MappingKind
from shared.errors import TransientError

_TASKS: TypeAdapter[object] = TypeAdapter(Task)
_LINES: TypeAdapter[RankedLine] = TypeAdapter(RankedLine)

IDLE = timedelta(minutes=5)
"""So long a process that has nothing to do keeps what it knows."""
_LONGEST_LINE = 2**24
_PATIENCE_SECONDS = 5.0
"""After it a process that was told to end is killed."""


class EngineProcess:
    """Starts a process when there is none, which takes half a second, and keeps it for the next task."""

    def __init__(self, *, idle: timedelta = IDLE, most_kept: int = MOST_KEPT) -> None:
        self.running: Process | None = None
        """The process, busy or not."""
        self._idle, self._most_kept = idle, most_kept
        self._mirror = IndexMirror(most_kept)
        self._end: asyncio.TimerHandle | None = None
        self._turn = asyncio.Lock()
        """Of a task: two would read each other's answers."""
        self._said, self._listening = deque[bytes](maxlen=20), set[asyncio.Task[None]]()
        """The last lines of its error output, and who reads it."""

    async def rank(
        self,
        kind: MappingKind,
        vendor: Sequence[Item],
        psa: Sequence[Item],
        *,
        since: str | None = None,
        wanted: Collection[str] = (),
    ) -> EngineAnswer:
        async with self._turn:
            return await self._rank(kind, vendor, psa, since=since, wanted=wanted)

    async def _rank(
        self,
        kind: MappingKind,
        vendor: Sequence[Item],
        psa: Sequence[Item],
        *,
        since: str | None,
        wanted: Collection[str],
    ) -> EngineAnswer:
        if self._end:
            self._end.cancel()
        process = await self._process()
        try:
            # Thousands of records take a while to write and to read: other requests go on meanwhile.
            planned, text = await asyncio.to_thread(self._plan, kind, vendor, psa, since=since, wanted=wanted)
            lines = await _exchange(process, text)
        except BaseException:
            await self._kill(process)
            raise
        if lines is None:
            await self._kill(process)
            last = b"".join(self._said).decode(errors="replace").strip().rpartition("\n")[2]
            raise TransientError(
                f"the process that proposes {kind} mappings ended with {process.returncode}, comparing"
                f" {len(vendor)} with {len(psa)} items ({last or 'without a word'}): it is tried again"
            )
        if planned.token is None:
            self._retire()
        else:
            self._end = asyncio.get_running_loop().call_later(self._idle.total_seconds(), self._retire)
        ranked = await asyncio.to_thread(lambda: dict(map(_LINES.validate_json, lines)))
        return EngineAnswer(ranked, planned.token, planned.is_whole)

    async def close(self) -> None:
        """Ends the process, if there is one."""
        if (process := self.running) is None:
            return
        self._retire()
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await process.wait()
        await self._kill(process)

    def _plan(
        self,
        kind: MappingKind,
        vendor: Sequence[Item],
        psa: Sequence[Item],
        *,
        since: str | None,
        wanted: Collection[str],
    ) -> tuple[PlannedTask, bytes]:
        planned = self._mirror.plan(kind, vendor, psa, since=since, wanted=wanted)
        return planned, _TASKS.dump_json(planned.task) + b"\n"

    async def _process(self) -> Process:
        """Returns the process that is there, or a new one, which knows nothing."""
        if self.running and self.running.returncode is None:
            return self.running
        self._mirror = IndexMirror(self._most_kept)
        self._said.clear()
        command = sys.executable, "-m", "matcher.proposals.engine_worker"
        process = await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, stderr=PIPE, limit=_LONGEST_LINE
        )
        self.running = process
        listening = asyncio.create_task(self._listen(process))
        self._listening.add(listening)
        listening.add_done_callback(self._listening.discard)
        return process

    async def _listen(self, process: Process) -> None:
        while process.stderr and (line := await process.stderr.readline()):
            self._said.append(line)

    def _retire(self) -> None:
        """Lets the process end by itself, and forgets it."""
        process, self.running = self.running, None
        if self._end:
            self._end.cancel()
        if process and process.stdin:
            process.stdin.close()

    async def _kill(self, process: Process) -> None:
        if self.running is process:
            self.running = None
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        for listening in tuple(self._listening):
            await listening


async def _exchange(process: Process, task: bytes) -> list[bytes] | None:
    """Returns the lines of the answer; None when the process ended before the last of them."""
    if process.stdin is None or process.stdout is None:
        return None
    lines = list[bytes]()
    with suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(task)
        await process.stdin.drain()
        while (line := await process.stdout.readline()) != b"\n":
            if not line:
                return None
            lines.append(line)
        return lines
    return None
