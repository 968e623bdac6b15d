"""Reading one list whole: companies, or products. What vanished from it is read once before it is absent."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from psa_sync.psa import Listing
from psa_sync.runs.observations import Stamp
from psa_sync.runs.ports import Clock, PsaConnection
from shared.contracts.base import Observation
from shared.runtime.attempt import attempt
from shared.sync_engine.models import provider_trouble
from shared.sync_engine.run_worker import RunContext

AT_ONCE = 4
"""Calls in flight; four stayed below the limiter where twelve did not (psa-apis, reads)."""
_BATCH = 500


class ListedThing(Protocol):
    """What a list holds."""

    @property
    def present(self) -> bool: ...


T = TypeVar("T", bound=ListedThing)
O = TypeVar("O", bound=Observation)  # noqa: E741  one letter, as type variables have
A = TypeVar("A")


@dataclass(frozen=True, slots=True)
class ListKind(Generic[T, O]):
    """What differs between the lists."""

    listing: Listing
    model: type[O]
    every: Callable[[PsaConnection], AsyncIterator[T]]
    one: Callable[[PsaConnection, str], Awaitable[T | None]]
    id_of: Callable[[T], str]
    seen_id: Callable[[O], str]
    observed: Callable[[T, Stamp], O]


@dataclass(frozen=True, slots=True)
class ListReader(Generic[T, O]):
    """Reads one list for one run."""

    kind: ListKind[T, O]
    psa: PsaConnection
    walk: RunContext
    clock: Clock

    async def read(self) -> Mapping[str, str]:
        """Publish the whole list; returns the run's notes: how many, and how far it falls short."""
        listing, there = self.kind.listing, set[str]()

        async def once() -> set[str]:
            return await self._once(there)

        _, short = await complete(self.psa, listing, once)
        if not short:
            await self._vanished(there)
        return {listing: str(len(there)), **({f"{listing} short": short} if short else {})}

    async def _once(self, there: set[str]) -> set[str]:
        """The ids of all rows; those of what is there, and not listed as deleted, are added to `there`."""
        ids: set[str] = set()
        stamp = await stamped(self.walk, self.clock)
        async for batch in batches(reached(self.kind.every(self.psa))):
            present = [thing for thing in batch if thing.present]
            await self.walk.observer.publish(self.kind.observed(thing, stamp) for thing in present)
            ids |= {self.kind.id_of(thing) for thing in batch}
            there |= {self.kind.id_of(thing) for thing in present}
            self.walk.progress.advance(len(batch))
        return ids

    async def _vanished(self, ids: Collection[str]) -> None:
        """What was there and is in no list now, or is listed as deleted."""
        kind = self.kind
        gone = [
            seen
            async for seen in self.walk.observer.seen(kind.model)
            if seen.present and kind.seen_id(seen) not in ids
        ]
        await spread(gone, self._look_once)

    async def _look_once(self, seen: O) -> None:
        stamp = await stamped(self.walk, self.clock)
        thing = await reaching(self.kind.one(self.psa, self.kind.seen_id(seen)))
        found = self.kind.observed(thing, stamp) if thing and thing.present else None
        await self.walk.observer.publish([found or seen.model_copy(update=stamp.gone)])


async def complete(
    psa: PsaConnection, listing: Listing, once: Callable[[], Awaitable[set[str]]]
) -> tuple[set[str], str | None]:
    """The distinct ids of a list, read again once when the PSA counts more; and how it still falls short."""
    ids = await once()
    if await reaching(psa.count(listing)) <= len(ids):
        return ids, None
    ids |= await once()
    count = await reaching(psa.count(listing))
    return ids, f"{len(ids)} of {count} {listing} could be listed" if count > len(ids) else None


async def stamped(walk: RunContext, clock: Clock) -> Stamp:
    """Taken before the read that it stamps."""
    return Stamp(walk.claimed.known, walk.run.run_id, await walk.observer.revision(), clock())


async def reaching(call: Awaitable[A]) -> A:
    """A PSA that stays out of reach after every attempt ends the run; our own trouble does not."""
    with provider_trouble():
        return await call


async def reached(things: AsyncIterator[A]) -> AsyncIterator[A]:
    """The same for a list that is read as it goes."""
    with provider_trouble():
        async for thing in things:
            yield thing


async def batches(things: AsyncIterator[A]) -> AsyncIterator[list[A]]:
    batch: list[A] = []
    async for thing in things:
        batch.append(thing)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


async def spread(jobs: Iterable[A], work: Callable[[A], Awaitable[None]]) -> None:
    """Do the work for each, a few at a time; after a failure start no more, and raise the first."""
    waiting, failures = iter(jobs), list[Exception]()

    async def worker() -> None:
        for job in waiting:
            result = await attempt(work(job))
            if isinstance(result, Exception):
                failures.append(result)
            if failures:
                return

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(worker())
    if failures:
        raise failures[0]
