"""Parts start as soon as what they need is ready, and stop before it."""

import asyncio
from collections.abc import Callable, Mapping

from standalone.child_process import ChildProcess

Say = Callable[[str], None]
"""Where progress is told: one line for a person."""


def tell(line: str) -> None:
    """On standard output, at once: whoever waits at the other end of a pipe wants to see it move."""
    print(line, flush=True)


async def start_in_order(parts: Mapping[str, ChildProcess], say: Say) -> None:
    """Start them all, side by side where they do not need each other.

    Raises the `PermanentError` of the first that fails; the others are left as they are then.
    """
    ready = {name: asyncio.Event() for name in parts}
    try:
        async with asyncio.TaskGroup() as group:
            for part in parts.values():
                group.create_task(_start(part, ready, say))
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from None


async def stop_in_order(parts: Mapping[str, ChildProcess]) -> None:
    """Stop them all, each only after everything that needs it has ended."""
    left = dict(parts)
    while left:
        needed = {name for part in left.values() for name in part.after}
        ending = [left.pop(name) for name in list(left) if name not in needed]
        async with asyncio.TaskGroup() as group:
            for part in ending:
                group.create_task(part.stop())


async def _start(part: ChildProcess, ready: Mapping[str, asyncio.Event], say: Say) -> None:
    for name in part.after:
        if name in ready:
            await ready[name].wait()
    seconds = await part.start()
    state = "ready" if part.probe else "done"
    say(f"{part.name:<13} {state:<5} in {seconds:4.1f} s  {part.address}".rstrip())
    ready[part.name].set()
