"""The one place where every exception is caught, so that one failure does not stop a loop."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


async def attempt(call: Awaitable[T]) -> T | Exception:
    """Returns what the call returns, or the exception that it raised; cancellation passes through.

    Only for loops that must survive anything, and for callers that handle each outcome; else use `try`.
    """
    try:
        return await call
    except Exception as error:  # noqa: BLE001  the caller decides: retry, set aside, log
        return error


async def propagate_cancellation(call: Awaitable[T]) -> T:
    """Calls a driver that may swallow a cancellation, and raises `CancelledError` when it did.

    Python 3.11's `wait_for`, which redis-py uses, swallows a cancellation that comes in the very moment in
    which its call ends; the task would go on for ever. Not for calls that hold a task group: in Python 3.11 a
    failed task group leaves a mark like that of a cancellation.
    """
    task = asyncio.current_task()
    before = task.cancelling() if task else 0
    try:
        return await call
    finally:
        if task and task.cancelling() > before:
            raise asyncio.CancelledError
