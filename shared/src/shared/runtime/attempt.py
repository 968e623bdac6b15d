"""The one place where anything at all is caught, so that one failure does not stop a loop."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


async def attempt(call: Awaitable[T]) -> T | Exception:
    """What the call returns, or what it raised; cancellation passes through."""
    try:
        return await call
    except Exception as error:  # noqa: BLE001  the caller decides: retry, set aside, log
        return error


async def propagate_cancellation(call: Awaitable[T]) -> T:
    """The call of a driver that may swallow a cancellation: whoever called would go on for ever.

    Python 3.11's `wait_for`, which redis-py uses, does so when its call ends in that very moment. Not for
    calls that hold a task group: in Python 3.11 one that failed leaves a mark like that of a cancellation.
    """
    task = asyncio.current_task()
    before = task.cancelling() if task else 0
    try:
        return await call
    finally:
        if task and task.cancelling() > before:
            raise asyncio.CancelledError
