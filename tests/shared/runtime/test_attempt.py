import asyncio

import pytest

from shared.runtime.attempt import attempt, propagate_cancellation


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
    task = asyncio.create_task(propagate_cancellation(deaf(began)))
    await began.wait()

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_time_out_inside_the_call_is_no_cancellation() -> None:
    async def slow() -> str:
        try:
            async with asyncio.timeout(0):
                await asyncio.sleep(60)
        except TimeoutError:
            return "in time"
        return "never"

    assert await propagate_cancellation(slow()) == "in time"


async def test_tidying_up_after_a_cancellation_can_be_attempted() -> None:
    began, tidied = asyncio.Event(), list[object]()

    async def work() -> None:
        try:
            began.set()
            await asyncio.sleep(60)
        finally:
            tidied.append(await attempt(propagate_cancellation(asyncio.sleep(0, "tidy"))))

    task = asyncio.create_task(work())
    await began.wait()
    task.cancel()
    await asyncio.wait([task])

    assert tidied == ["tidy"]
    assert task.cancelled()


async def test_what_fails_in_a_task_group_is_no_cancellation() -> None:
    error = ValueError("no")

    async def failing() -> None:
        raise error

    async def grouped() -> str:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(failing())
        except* ValueError:
            pass
        return "went on"

    assert await attempt(grouped()) == "went on"
