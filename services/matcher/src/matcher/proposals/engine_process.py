"""Runs the engine in a process of its own, so that the service's loop and memory stay free."""

# Invariant: a process lives as long as its one task. It ends with its result, is killed when nobody waits for
# that any more, and finds its pipe closed when the service itself was killed; so none is ever left over.

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from contextlib import suppress

from pydantic import TypeAdapter

from matcher.catalogue.items import Item
from matcher.proposals.engine_task import RankedLine, Task, task_of
from matcher.proposals.models import RankedItem
from shared.contracts.matcher import MappingKind
from shared.errors import TransientError

_TASKS: TypeAdapter[object] = TypeAdapter(Task)
_LINES: TypeAdapter[RankedLine] = TypeAdapter(RankedLine)


class EngineProcess:
    """Starts a process for each task; it takes half a second, and there are a few tasks in an hour."""

    def __init__(self) -> None:
        self.running: Process | None = None
        """The process of the task that is going on."""

    async def rank(
        self, kind: MappingKind, vendor: Sequence[Item], psa: Sequence[Item]
    ) -> dict[str, list[RankedItem]]:
        # Thousands of records take a while to write and to read: other requests go on meanwhile.
        task = await asyncio.to_thread(lambda: _TASKS.dump_json(task_of(kind, vendor, psa)))
        command = sys.executable, "-m", "matcher.proposals.engine_worker"
        process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=PIPE)
        self.running = process
        try:
            answer, said = await process.communicate(task)
        finally:
            self.running = None
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if process.returncode:
            last = said.decode(errors="replace").strip().rpartition("\n")[2]
            raise TransientError(
                f"the process that proposes {kind} mappings ended with {process.returncode}, comparing"
                f" {len(vendor)} with {len(psa)} items ({last or 'without a word'}): it is tried again"
            )
        return await asyncio.to_thread(lambda: dict(map(_LINES.validate_json, answer.splitlines())))
