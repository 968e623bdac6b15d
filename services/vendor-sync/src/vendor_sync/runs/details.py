"""The details step: the to-do list worked off, a few calls at a time, stored while the next are asked for."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace

from shared.contracts.vendor_sync import ServiceObserved, SubscriptionObserved
from shared.errors import CredentialsRejected, NeighbourAway, PermanentError, TransientError
from shared.runtime import crash_points
from shared.runtime.attempt import attempt
from shared.sync_engine.models import ProviderUnreachable
from vendor_sync.marketplace import SubscriptionDetail
from vendor_sync.runs.detail_queue import DetailEntry, DetailState
from vendor_sync.runs.observations import Stamp, detailed, gone, listed, service_observed
from vendor_sync.runs.offers import SoldLine, SoldService, lines_of, renamed
from vendor_sync.runs.run_context import VendorRunContext

AT_ONCE = 4
"""Calls in flight (Ingram Micro §5); concurrency itself is not what the vendor limits."""
HELPING = 200
"""Entries under one revision, and answers that may wait to be stored."""
MOMENT = 0.25
"""Seconds for which answers gather before they are stored."""
MISSES = 3
"""So many details in a row out of reach, each after all its attempts: the vendor is down."""

_ENDING = (CredentialsRejected, NeighbourAway)
"""What says nothing of the detail that was asked for: it stays due."""


async def read_details(reading: VendorRunContext) -> None:
    """Read all that is due; raises `ProviderUnreachable` or `CredentialsRejected` after storing what was read."""
    stand = await reading.todo.stand(reading.run)
    reading.walk.progress.begin(reading.walk.progress.phase, done=stand.total - stand.due, total=stand.total)
    if not stand.due:
        return
    names = {seen.service_key: seen.name async for seen in reading.walk.observer.seen(ServiceObserved)}
    async with aclosing(_stamped(reading)) as waiting:
        await _Details(reading, names, waiting).read()


async def _stamped(reading: VendorRunContext) -> AsyncGenerator[tuple[DetailEntry, Stamp], None]:
    """All that is due, in order, each with a stamp that was taken before it is read."""
    async for page in reading.todo.due(reading.run):
        for start in range(0, len(page), HELPING):
            stamp = await reading.stamp()
            for entry in page[start : start + HELPING]:
                yield entry, stamp


@dataclass(frozen=True, slots=True)
class _Answered:
    entry: DetailEntry
    stamp: Stamp
    answer: SubscriptionDetail | PermanentError | TransientError | None

    @property
    def sold(self) -> tuple[SoldLine, ...]:
        return lines_of(self.answer) if isinstance(self.answer, SubscriptionDetail) else ()


@dataclass(slots=True)
class _Details:
    reading: VendorRunContext
    names: dict[str, str]
    """By which name each service goes: the first that was said, until a whole run no longer says it."""
    waiting: AsyncGenerator[tuple[DetailEntry, Stamp], None]
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """To take the next of what is waiting."""
    misses: int = 0
    over: Exception | None = None
    results: "asyncio.Queue[_Answered | None]" = field(default_factory=lambda: asyncio.Queue(HELPING))
    told: set[SoldService] = field(default_factory=set)
    """Services that this step has published, or found published."""

    async def read(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._store())
            for _ in range(AT_ONCE):
                group.create_task(self._ask())
        if self.over is not None:
            raise self.over

    async def _ask(self) -> None:
        """Ask for one after another; None tells the storing side that this caller has ended."""
        while self.over is None and (due := await self._next()):
            entry, stamp = due
            answer = await attempt(self.reading.marketplace.subscription(entry.subscription_id))
            # Each call has had all its attempts by now (shared.http_client.client).
            self._judge(answer)
            if not isinstance(answer, _ENDING):
                await self.results.put(_Answered(entry, stamp, _expected(answer)))
        await self.results.put(None)

    async def _next(self) -> tuple[DetailEntry, Stamp] | None:
        async with self.turn:
            return await anext(self.waiting, None)

    def _judge(self, answer: SubscriptionDetail | Exception | None) -> None:
        self.misses = self.misses + 1 if isinstance(answer, TransientError) else 0
        if isinstance(answer, _ENDING):
            self.over = answer
        elif isinstance(answer, TransientError) and self.misses >= MISSES:
            self.over = ProviderUnreachable(f"the marketplace stays out of reach: {answer}")

    async def _store(self) -> None:
        """Store what is there, until every caller has ended; while that lasts, more comes together."""
        asking = AT_ONCE
        while asking:
            batch = await self._gathered()
            answers = [answered for answered in batch if answered is not None]
            asking -= len(batch) - len(answers)
            await self._stored(answers)

    async def _gathered(self) -> list[_Answered | None]:
        """What has come after a moment: many cost the store little more than one."""
        batch = [await self.results.get()]
        with suppress(TimeoutError):
            async with asyncio.timeout(MOMENT):
                while batch[-1] is not None and len(batch) < HELPING:
                    batch.append(await self.results.get())
        return batch

    async def _stored(self, answers: Sequence[_Answered]) -> None:
        """Services before the subscriptions that name them; done only once all of it is published."""
        now = self.reading.clock()
        answers = [replace(one, stamp=replace(one.stamp, observed_at=now)) for one in answers]
        sold = {one.entry.subscription_id: self._named(one.sold) for one in answers}
        await self._tell_services(answers, sold)
        await self.reading.walk.observer.publish(await self._observed(answers, sold))
        crash_points.reached("detail-observed")
        self.reading.check()
        await self.reading.todo.put(self.reading.run, [_judged(one) for one in answers])
        self.reading.walk.progress.advance(len(answers))

    def _named(self, lines: tuple[SoldLine, ...]) -> tuple[SoldLine, ...]:
        named = tuple(replace(line, service=renamed(line.service, self.names)) for line in lines)
        self.names |= {line.service.key: line.service.name for line in named}
        return named

    async def _tell_services(
        self, answers: Sequence[_Answered], sold: Mapping[str, tuple[SoldLine, ...]]
    ) -> None:
        """A subscription may hold one service in several lines, and a batch in several subscriptions."""
        lines = ((line, one.stamp) for one in answers for line in sold[one.entry.subscription_id])
        news = {line.service: stamp for line, stamp in lines if line.service not in self.told}
        await self.reading.walk.observer.publish(service_observed(*one) for one in news.items())
        self.told |= news.keys()

    async def _observed(
        self, answers: Sequence[_Answered], sold: Mapping[str, tuple[SoldLine, ...]]
    ) -> list[SubscriptionObserved]:
        missing = {listed(one.entry.row, one.stamp): one.stamp for one in answers if one.answer is None}
        seen = await self.reading.walk.observer.known(SubscriptionObserved, missing)
        there = [
            detailed(one.answer.row, sold[one.entry.subscription_id], one.stamp)
            for one in answers
            if isinstance(one.answer, SubscriptionDetail)
        ]
        return there + [gone(seen.get(thing.key, thing), stamp) for thing, stamp in missing.items()]


def _expected(
    answer: SubscriptionDetail | Exception | None,
) -> SubscriptionDetail | PermanentError | TransientError | None:
    if isinstance(answer, Exception) and not isinstance(answer, PermanentError | TransientError):
        raise answer
    return answer


def _judged(one: _Answered) -> DetailEntry:
    entry, answer = one.entry, one.answer
    if isinstance(answer, Exception):
        return replace(entry, state=DetailState.FAILED, why=str(answer))
    return replace(
        entry,
        state=DetailState.DONE,
        gone=answer is None,
        status=answer.row.status if answer else entry.status,
        read_at=one.stamp.observed_at,
        read_fingerprint=entry.row.fingerprint,
        sold=tuple((line.service.key, line.service.name) for line in one.sold),
        why="",
    )
