import asyncio
from collections.abc import Sequence

import pytest

from psa_sync.concurrency import CALLS_AT_ONCE, GroupCommit, for_each


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


async def test_what_comes_while_a_group_is_committed_is_committed_together() -> None:
    groups: list[list[int]] = []

    async def commit(group: Sequence[int]) -> None:
        groups.append([*group])
        await asyncio.sleep(0.01)

    commits = GroupCommit(commit)

    await asyncio.gather(*(commits.add(number) for number in range(5)))
    await commits.add(5)

    assert groups == [[0], [1, 2, 3, 4], [5]]


async def test_everybody_whose_group_could_not_be_committed_learns_of_it_and_nobody_else() -> None:
    async def commit(group: Sequence[int]) -> None:
        await asyncio.sleep(0.01)
        if 1 in group:
            raise ValueError("the store is away")

    commits = GroupCommit(commit)

    outcomes = await asyncio.gather(*(commits.add(number) for number in range(3)), return_exceptions=True)
    await commits.add(3)

    assert [type(outcome) for outcome in outcomes] == [type(None), ValueError, ValueError]


async def test_what_a_cancelled_caller_was_committing_is_committed_by_the_next() -> None:
    committed: list[int] = []
    hangs = asyncio.Event()

    async def commit(group: Sequence[int]) -> None:
        if not hangs.is_set():
            hangs.set()
            await asyncio.Event().wait()
        committed.extend(group)

    commits = GroupCommit(commit)
    first = asyncio.create_task(commits.add(0))
    await hangs.wait()
    second = asyncio.create_task(commits.add(1))
    await asyncio.sleep(0)

    first.cancel()
    await second

    assert committed == [0, 1]
