"""The one place where anything at all is caught, so that one failure does not stop a loop."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


async def attempt(call: Awaitable[T]) -> T | Exception:
    """What the call returns, or what it raised; cancellation passes through."""
    task = asyncio.current_task()
    cancelled = task.cancelling() if task else 0
    try:
        result: T | Exception = await call
    except Exception as error:  # noqa: BLE001  the caller decides: retry, set aside, log
        result = error
    # Python 3.11's `wait_for`, in redis-py for one, may swallow a cancellation: a loop would never end.
    if task and task.cancelling() > cancelled:
        raise asyncio.CancelledError
    return result
