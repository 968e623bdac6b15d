import asyncio

import pytest

from shared.attempts import attempt


async def deaf(began: asyncio.Event) -> str:
    """As `asyncio.wait_for` does in Python 3.11 when its call ends in the moment of the cancellation."""
    try:
        began.set()
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        return "an answer"
    return "too late"


async def test_what_a_call_raised_is_returned() -> None:
    error = ValueError("no")

    async def failing() -> None:
        raise error

    assert await attempt(failing()) is error


async def test_a_cancellation_that_the_call_swallowed_still_ends_the_task() -> None:
    began = asyncio.Event()
    task = asyncio.create_task(attempt(deaf(began)))
    await began.wait()

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_tidying_up_after_a_cancellation_can_be_attempted() -> None:
    began, tidied = asyncio.Event(), list[object]()

    async def work() -> None:
        try:
            began.set()
            await asyncio.sleep(60)
        finally:
            tidied.append(await attempt(asyncio.sleep(0, "tidy")))

    task = asyncio.create_task(work())
    await began.wait()
    task.cancel()
    await asyncio.wait([task])

    assert tidied == ["tidy"]
    assert task.cancelled()
