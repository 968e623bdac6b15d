import asyncio

import pytest

from psa_sync.concurrency import CALLS_AT_ONCE, for_each


async def test_the_work_is_done_for_each_thing_a_few_at_a_time() -> None:
    done: list[int] = []
    running = most = 0

    async def work(thing: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        done.append(thing)

    await for_each(range(20), work)

    assert (sorted(done), most) == (list(range(20)), CALLS_AT_ONCE)


async def test_after_a_failure_what_is_going_on_is_finished_and_nothing_else_is_started() -> None:
    started: list[int] = []
    finished: list[int] = []

    async def work(thing: int) -> None:
        started.append(thing)
        if thing == 0:
            raise ValueError("the first failure")
        await asyncio.sleep(0)
        finished.append(thing)

    with pytest.raises(ValueError, match="the first failure"):
        await for_each(range(20), work)

    assert len(started) <= CALLS_AT_ONCE
    assert finished == started[1:]
