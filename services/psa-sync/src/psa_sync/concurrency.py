"""Does the same work for many things: a few at a time, or many at once."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Generic, TypeVar

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


class GroupCommit(Generic[T]):
    """Does things together that come while it is busy: one store call then serves many callers.

    Whoever comes while nothing is going on is served at once, so nothing waits for a group to fill.
    """

    def __init__(self, commit: Callable[[Sequence[T]], Awaitable[None]]) -> None:
        self._commit = commit
        self._waiting: list[tuple[T, asyncio.Future[Exception | None]]] = []
        self._busy = asyncio.Lock()

    async def add(self, thing: T) -> None:
        """Returns once the thing is committed; raises what the commit of its group raises."""
        outcome: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((thing, outcome))
        async with self._busy:
            if not outcome.done():
                await self._commit_waiting()
        if (error := outcome.result()) is not None:
            raise error

    async def _commit_waiting(self) -> None:
        group = [*self._waiting]  # it waits until that is over: cancelled, another of the group commits it
        error = await attempt(self._commit([thing for thing, _ in group]))
        del self._waiting[: len(group)]
        for _, outcome in group:
            outcome.set_result(error)
