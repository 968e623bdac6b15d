"""Keeps each answer safe before its caller asks for the next one: a killed run repeats what was in flight."""

# Invariant: an answer is in the journal before its caller goes on, and leaves it when it is stored. Whatever
# answers are there while a group is being written go together in the next one:
#
#   a, b answered → group 1 {a, b} is written   c, d, e answered meanwhile → group 2 {c, d, e}
#   a, b, c stored → group 1 is discarded       killed → {c, d, e} are left, and c is found to be stored
#
# Callers that were written together ask together, and are answered at about the same time: a moment's wait
# for each other lets them share every write from then on.

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from shared.sync_engine.models import Run
from vendor_sync.runs.answers import DetailAnswer
from vendor_sync.runs.ports import JournalStore

_GATHER_TIME = timedelta(milliseconds=5)
"""How long the first answer of a group waits for those of the other callers: short beside any call."""


@dataclass(slots=True)
class _Group:
    number: int
    answers: list[DetailAnswer] = field(default_factory=list)
    is_full: asyncio.Event = field(default_factory=asyncio.Event)
    is_written: bool = False


class AnswerJournal:
    """Writes the answers of one worker of a run."""

    def __init__(self, store: JournalStore, run: Run, *, callers: int) -> None:
        """`callers` is how many may wait for their answers to be written."""
        self._store, self._run, self._callers = store, run, callers
        self._next = _Group(1)
        self._writing = asyncio.Lock()
        self._open: dict[int, int] = {}
        """How many answers of each written group are not stored yet."""
        self._discarded = 0

    async def add(self, answer: DetailAnswer) -> int:
        """Returns the number of the answer's group once it is written."""
        group = self._next
        group.answers.append(answer)
        if len(group.answers) >= self._callers:
            group.is_full.set()
        async with self._writing:
            if not group.is_written:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_GATHER_TIME.total_seconds()):
                        await group.is_full.wait()
                self._next = _Group(group.number + 1)
                self._open[group.number] = len(group.answers)
                await self._store.append(self._run, group.number, group.answers)
                group.is_written = True
        return group.number

    async def discard(self, groups: Sequence[int]) -> None:
        """Forgets answers that are stored, each named by the number of its group."""
        for number in groups:
            self._open[number] -= 1
            if not self._open[number]:
                del self._open[number]
        # A group goes when all before it are stored as well, so one removal takes many.
        up_to = min(self._open, default=self._next.number) - 1
        if up_to > self._discarded:
            await self._store.discard(self._run, up_to=up_to)
            self._discarded = up_to
