"""Does the same work for many things, a few at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from shared.runtime.attempt import attempt

CALLS_AT_ONCE = 4
"""Calls of a PSA in flight; four stayed below the limiter where twelve did not (psa-apis, reads)."""

T = TypeVar("T")


async def for_each(
    things: Iterable[T], work: Callable[[T], Awaitable[None]], *, at_once: int = CALLS_AT_ONCE
) -> None:
    """Does the work for each thing; after a failure starts no more, and raises the first.

    What is going on when one fails is finished: it may have read or written something that is worth storing.
    """
    waiting, failures = iter(things), list[Exception]()

    async def worker() -> None:
        for thing in waiting:
            result = await attempt(work(thing))
            if isinstance(result, Exception):
                failures.append(result)
            if failures:
                return

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(worker())
    if failures:
        raise failures[0]
