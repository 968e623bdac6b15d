"""Answers that are given at about the same time share one write."""

import asyncio
from collections.abc import AsyncIterator, Sequence

from marketplace import NOW, a_detail
from run_env import a_run

from shared.sync_engine.models import Run
from vendor_sync.runs.answer_journal import AnswerJournal
from vendor_sync.runs.answers import DetailAnswer

RUN = a_run()


class FakeJournalStore:
    """Keeps groups by their numbers."""

    def __init__(self) -> None:
        self.groups: dict[int, list[str]] = {}

    async def append(self, run: Run, group: int, answers: Sequence[DetailAnswer]) -> None:
        assert run == RUN
        self.groups[group] = [answer.subscription_id for answer in answers]

    async def left(self, run: Run) -> AsyncIterator[list[DetailAnswer]]:
        assert run == RUN
        for _ in ():
            yield []

    async def discard(self, run: Run, *, up_to: int) -> None:
        assert run == RUN
        self.groups = {number: ids for number, ids in self.groups.items() if number > up_to}

    async def clear(self, run: Run) -> None:
        assert run == RUN
        self.groups.clear()


def an_answer(number: int) -> DetailAnswer:
    return DetailAnswer("c1", f"s{number}", 101, NOW, a_detail())


async def test_callers_that_are_answered_one_right_after_the_other_share_every_write() -> None:
    store = FakeJournalStore()
    journal, turns = AnswerJournal(store, RUN, callers=4), 20

    async def call(caller: int) -> None:
        for turn in range(turns):
            for _ in range(caller):  # each is answered a little later than the one before
                await asyncio.sleep(0)
            await journal.add(an_answer(turn * 4 + caller))

    await asyncio.gather(*(call(caller) for caller in range(4)))

    assert [len(ids) for ids in store.groups.values()] == [4] * turns


async def test_a_caller_that_is_answered_alone_is_written_alone_and_goes_on() -> None:
    store = FakeJournalStore()
    journal = AnswerJournal(store, RUN, callers=4)

    groups = [await journal.add(an_answer(number)) for number in range(2)]
    await journal.discard(groups[:1])

    assert store.groups == {groups[1]: ["s1"]}
