"""The one place where anything at all is caught, so that one failure does not stop a loop."""

from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


async def attempt(call: Awaitable[T]) -> T | Exception:
    """What the call returns, or what it raised; cancellation passes through."""
    try:
        return await call
    except Exception as error:  # noqa: BLE001  the caller decides: retry, set aside, log
        return error
