"""Reads one list whole: companies, or products. What vanished from it is read once before it is absent."""

# Invariant: a list counts as whole only when it holds as many distinct ids as the PSA counts, and only a
# whole list makes anything vanish. A list shifts while it is read, so it is read once more where it falls
# short:
#
#   listed {1, 2}, the PSA counts 3 → read again: {1, 2, 3} → whole
#                                                 still {1, 2} → a shortfall, and nothing vanishes
#
# A row that cannot be understood is left out, so the list falls short, and nothing vanishes.

from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from psa_sync.concurrency import for_each
from psa_sync.psa import Listing
from psa_sync.runs.ports import PsaConnection
from shared.contracts.base import Observation
from shared.sync_engine.absences import confirm_absence, vanished
from shared.sync_engine.models import translate_provider_errors
from shared.sync_engine.reports import StepReport
from shared.sync_engine.run_context import RunContext
from shared.sync_engine.stamp import Stamp

_BATCH_SIZE = 500


class ListedThing(Protocol):
    """One row of a list: a company or a catalogue item."""

    @property
    def present(self) -> bool:
        """False when the PSA lists the thing but calls it deleted."""
        ...


T = TypeVar("T", bound=ListedThing)
O = TypeVar("O", bound=Observation)  # noqa: E741  one letter, as type variables have
A = TypeVar("A")


@dataclass(frozen=True, slots=True)
class ListKind(Generic[T, O]):
    """How one of the lists is read, and how what it holds becomes observations."""

    listing: Listing
    model: type[O]
    read_all: Callable[[PsaConnection], AsyncIterator[T]]
    read_by_id: Callable[[PsaConnection, str], Awaitable[T | None]]
    id_of: Callable[[T], str]
    observed_id: Callable[[O], str]
    observe: Callable[[T, Stamp], O]


@dataclass(frozen=True, slots=True)
class ListReader(Generic[T, O]):
    """Reads one list for one run."""

    kind: ListKind[T, O]
    psa: PsaConnection
    context: RunContext

    async def read(self) -> StepReport:
        """Publishes the whole list; reports how many are present, and how far the list falls short."""
        listing, present_ids = self.kind.listing, set[str]()

        async def read_once() -> set[str]:
            return await self._read_once(present_ids)

        _, shortfall = await read_whole(self.psa, listing, read_once)
        if not shortfall:
            await self._confirm_absences(present_ids)
        shortfalls = shortfalls_of(self.psa, listing, shortfall)
        return StepReport(counts={listing.value: len(present_ids)}, shortfalls=shortfalls)

    async def _read_once(self, present_ids: set[str]) -> set[str]:
        """Returns the ids of all rows; adds to `present_ids` those that are not listed as deleted."""
        ids: set[str] = set()
        stamp = await self.context.stamp()
        async for batch in _batches(reachable_rows(self.kind.read_all(self.psa))):
            present = [thing for thing in batch if thing.present]
            await self.context.publisher.publish(self.kind.observe(thing, stamp) for thing in present)
            ids |= {self.kind.id_of(thing) for thing in batch}
            present_ids |= {self.kind.id_of(thing) for thing in present}
            self.context.progress.advance(len(batch))
        return ids

    async def _confirm_absences(self, present_ids: Collection[str]) -> None:
        """Reads what was present and is in no list now, or is listed as deleted."""
        kind = self.kind
        missing = await vanished(self.context, kind.model, present_ids, kind.observed_id)

        async def confirm(last_seen: O) -> None:
            async def read() -> T | None:
                thing = await kind.read_by_id(self.psa, kind.observed_id(last_seen))
                return thing if thing and thing.present else None

            await confirm_absence(self.context, last_seen, read, kind.observe)

        await for_each(missing, confirm)


async def read_whole(
    psa: PsaConnection, listing: Listing, read_once: Callable[[], Awaitable[set[str]]]
) -> tuple[set[str], str | None]:
    """Returns the distinct ids of a list and any shortfall; reads it once more when the PSA counts more."""
    ids = await read_once()
    if await reachable(psa.count(listing)) <= len(ids):
        return ids, None
    ids |= await read_once()
    count = await reachable(psa.count(listing))
    return ids, f"{len(ids)} of {count} {listing} could be listed" if count > len(ids) else None


def shortfalls_of(psa: PsaConnection, listing: Listing, shortfall: str | None) -> tuple[str, ...]:
    """Returns a sentence for each way in which a list that was read is not whole."""
    refusals = psa.refusals.get(listing)
    refused = refusals.shortfalls(listing.value) if refusals else ()
    return (*((shortfall,) if shortfall else ()), *refused)


async def reachable(call: Awaitable[A]) -> A:
    """Awaits a call of the PSA; raises `ProviderUnreachable` when it stays away after every attempt."""
    with translate_provider_errors():
        return await call


async def reachable_rows(rows: AsyncIterator[A]) -> AsyncIterator[A]:
    """Yields the rows of a list of the PSA; raises `ProviderUnreachable` as `reachable` does."""
    with translate_provider_errors():
        async for row in rows:
            yield row


async def _batches(things: AsyncIterator[A]) -> AsyncIterator[list[A]]:
    batch: list[A] = []
    async for thing in things:
        batch.append(thing)
        if len(batch) == _BATCH_SIZE:
            yield batch
            batch = []
    if batch:
        yield batch
