"""The details step: the to-do list worked off, a few calls at a time, each stored as it comes."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from shared import crashing
from shared.attempts import attempt
from shared.contracts.vendor_sync import ServiceObserved, SubscriptionObserved
from shared.errors import CredentialsRejected, NeighbourAway, PermanentError, TransientError
from shared.syncing.models import GaveUp
from vendor_sync.models.observed import Stamp, detailed, gone, listed, service_observed
from vendor_sync.models.selling import Line, lines_of, renamed
from vendor_sync.models.todo import Due, Entry
from vendor_sync.models.vendor import Detail
from vendor_sync.service.reading import Reading

AT_ONCE = 4
"""Calls in flight (Ingram Micro §5); concurrency itself is not what the vendor limits."""
HELPING = 200
"""Entries taken from the to-do list under one revision."""
MISSES = 3
"""So many details in a row out of reach, each after all its attempts: the vendor is down."""

_ENDING = (CredentialsRejected, NeighbourAway)
"""What says nothing of the detail that was asked for: it stays due."""

Answered = tuple[Entry, Detail | PermanentError | TransientError | None]


async def read_details(reading: Reading) -> None:
    """Read all that is due; raises `GaveUp` or `CredentialsRejected` after storing what was read."""
    stand = await reading.todo.stand(reading.run)
    reading.walk.progress.begin(reading.walk.progress.phase, done=stand.total - stand.due, total=stand.total)
    names = {seen.service_key: seen.name async for seen in reading.walk.observer.seen(ServiceObserved)}
    details = _Details(reading, names)
    # Failed entries are no longer due, so every round gets on.
    while entries := await reading.todo.due(reading.run, HELPING):
        await details.read(entries)


@dataclass(slots=True)
class _Details:
    reading: Reading
    names: dict[str, str]
    """By which name each service goes: the first that was said, until a whole run no longer says it."""
    misses: int = 0
    over: Exception | None = None
    results: "asyncio.Queue[Answered | None]" = field(default_factory=lambda: asyncio.Queue(HELPING))

    async def read(self, entries: Sequence[Entry]) -> None:
        stamp = await self.reading.stamp()
        waiting = iter(entries)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._store(stamp))
            for _ in range(AT_ONCE):
                group.create_task(self._ask(waiting))
        if self.over is not None:
            raise self.over

    async def _ask(self, waiting: Iterator[Entry]) -> None:
        """Ask for one after another; None tells the storing side that this caller has ended."""
        for entry in waiting:
            if self.over is not None:
                break
            answer = await attempt(self.reading.marketplace.subscription(entry.subscription_id))
            # Each call has had all its attempts by now (shared.http).
            self._judge(answer)
            if not isinstance(answer, _ENDING):
                await self.results.put((entry, _expected(answer)))
        await self.results.put(None)

    def _judge(self, answer: Detail | Exception | None) -> None:
        self.misses = self.misses + 1 if isinstance(answer, TransientError) else 0
        if isinstance(answer, _ENDING):
            self.over = answer
        elif isinstance(answer, TransientError) and self.misses >= MISSES:
            self.over = GaveUp(f"the marketplace stays out of reach: {answer}")

    async def _store(self, stamp: Stamp) -> None:
        """Store what is there; while that lasts, more comes together."""
        asking = AT_ONCE
        while asking:
            batch = [await self.results.get()]
            while not self.results.empty():
                batch.append(self.results.get_nowait())
            answers = [answered for answered in batch if answered is not None]
            asking -= len(batch) - len(answers)
            await self._stored(answers, stamp)

    async def _stored(self, answers: Sequence[Answered], stamp: Stamp) -> None:
        """Services before the subscriptions that name them; done only once all of it is published."""
        read = [(entry, answer) for entry, answer in answers if not isinstance(answer, Exception)]
        sold = {entry.subscription_id: self._sold(detail) for entry, detail in read if detail}
        stamp = replace(stamp, observed_at=self.reading.clock())
        # A subscription may hold one service in several lines, and a batch in several subscriptions.
        services = {line.service for lines in sold.values() for line in lines}
        observer = self.reading.walk.observer
        await observer.publish(service_observed(service, stamp) for service in services)
        observed = await self._observed(read, sold, stamp)
        await observer.publish(observed)
        crashing.reached("detail-observed")
        self.reading.check()
        await self.reading.todo.put(self.reading.run, [_judged(*answered, stamp) for answered in answers])
        self.reading.walk.progress.advance(len(answers))

    def _sold(self, detail: Detail) -> tuple[Line, ...]:
        lines = tuple(replace(line, service=renamed(line.service, self.names)) for line in lines_of(detail))
        self.names |= {line.service.key: line.service.name for line in lines}
        return lines

    async def _observed(
        self, read: Sequence[tuple[Entry, Detail | None]], sold: Mapping[str, tuple[Line, ...]], stamp: Stamp
    ) -> list[SubscriptionObserved]:
        missing = [listed(entry.row, stamp) for entry, detail in read if detail is None]
        seen = await self.reading.walk.observer.known(SubscriptionObserved, missing)
        there = [detailed(detail.row, sold[entry.subscription_id], stamp) for entry, detail in read if detail]
        return there + [gone(seen.get(thing.key, thing), stamp) for thing in missing]


def _expected(answer: Detail | Exception | None) -> Detail | PermanentError | TransientError | None:
    if isinstance(answer, Exception) and not isinstance(answer, PermanentError | TransientError):
        raise answer
    return answer


def _judged(entry: Entry, answer: Detail | PermanentError | TransientError | None, stamp: Stamp) -> Entry:
    if isinstance(answer, Exception):
        return replace(entry, state=Due.FAILED, why=str(answer))
    return replace(
        entry,
        state=Due.DONE,
        gone=answer is None,
        status=answer.row.status if answer else entry.status,
        read_at=stamp.observed_at,
        read_mark=entry.row.mark,
        sold=tuple((line.service.key, line.service.name) for line in lines_of(answer)) if answer else (),
        why="",
    )
