"""Starts processes as soon as what they need is ready, and stops them before what they need."""

# `after` makes a directed graph without cycles.  Starting runs along its edges, each process in a task of its
# own that waits for the ones it names; stopping runs against them, in waves: a process is stopped once
# nothing that is left needs it.  With  console after billing, billing after kafka:
#
#   start   kafka → billing → console          stop   console, then billing, then kafka
#
# A name in `after` that is not among the processes is somebody else's and counts as ready: with
# `--only billing` Kafka runs elsewhere.

import asyncio
from collections.abc import Callable, Mapping

from standalone.child_process import ChildProcess

Report = Callable[[str], None]
"""Takes one line of progress for a person."""


def print_line(line: str) -> None:
    """Print without buffering: whoever reads the other end of a pipe wants to see progress at once."""
    print(line, flush=True)


async def start_in_order(processes: Mapping[str, ChildProcess], report: Report) -> None:
    """Start all processes, concurrently where they do not need each other.

    Raises the `PermanentError` of the first that fails; the others are left as they are at that moment.
    """
    ready = {name: asyncio.Event() for name in processes}
    try:
        async with asyncio.TaskGroup() as group:
            for process in processes.values():
                group.create_task(_start(process, ready, report))
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None


async def stop_in_order(processes: Mapping[str, ChildProcess]) -> None:
    """Stop all processes, each only after everything that needs it has ended."""
    remaining = dict(processes)
    while remaining:
        needed = {name for process in remaining.values() for name in process.after}
        stoppable = [remaining.pop(name) for name in list(remaining) if name not in needed]
        async with asyncio.TaskGroup() as group:
            for process in stoppable:
                group.create_task(process.stop())


async def _start(process: ChildProcess, ready: Mapping[str, asyncio.Event], report: Report) -> None:
    for name in process.after:
        if name in ready:
            await ready[name].wait()
    seconds = await process.start()
    state = "ready" if process.probe else "done"
    report(f"{process.name:<13} {state:<5} in {seconds:4.1f} s  {process.address}".rstrip())
    ready[process.name].set()
