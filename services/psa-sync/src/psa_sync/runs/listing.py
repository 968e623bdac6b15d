"""Reads one list whole: companies, or products. What vanished from it is read once before it is absent."""

# Invariant: a list counts as whole only when it holds as many distinct ids as the PSA counts, and only a
# whole list makes anything vanish. A list shifts while it is read, so it is read once more where it falls
# short:
#
#   listed {1, 2}, the PSA counts 3 → read again: {1, 2, 3} → whole
#                                                 still {1, 2} → a shortfall, and nothing vanishes
#
# A row that cannot be understood is named and counts as listed: it is one more thing that the PSA has, and
# what it was keeps what was last known of it.

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from psa_sync.concurrency import for_each
from psa_sync.psa import Listing, UnreadableRow
from psa_sync.runs.ports import PsaConnection
from shared.contracts.base import Observation
from shared.errors import CredentialsRejected, PermanentError
from shared.sync_engine.absences import confirm_absence, vanished
from shared.sync_engine.models import ProviderUnreachable, translate_provider_errors
from shared.sync_engine.reports import StepReport
from shared.sync_engine.run_context import RunContext
from shared.sync_engine.stamp import Stamp

_BATCH_SIZE = 500
_EXCEPTIONS_NAMED = 50
"""Of one step: its report is stored with the run."""


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
    read_all: Callable[[PsaConnection], AsyncIterator[T | UnreadableRow]]
    read_by_id: Callable[[PsaConnection, str], Awaitable[T | None]]
    id_of: Callable[[T], str]
    observed_id: Callable[[O], str]
    observe: Callable[[T, Stamp], O]


@dataclass(slots=True)
class UnreadableRows:
    """The rows of a list that could not be understood, however often it is read."""

    _reasons: dict[str, str] = field(default_factory=dict)

    def note_all(self, rows: Sequence[UnreadableRow]) -> set[str]:
        """Notes the rows of one reading; returns an id for each, the same when it is read once more."""
        nameless, ids = Counter[str](), set[str]()
        for row in rows:
            nameless[row.reason] += not row.id
            id_ = row.id or f"{row.reason} #{nameless[row.reason]}"
            ids.add(id_)
            self._reasons[id_] = row.reason
        return ids

    @property
    def exceptions(self) -> tuple[str, ...]:
        return named(list(self._reasons.values()))


@dataclass(frozen=True, slots=True)
class ListReader(Generic[T, O]):
    """Reads one list for one run."""

    kind: ListKind[T, O]
    psa: PsaConnection
    context: RunContext
    _unreadable: UnreadableRows = field(default_factory=UnreadableRows, init=False)

    async def read(self) -> StepReport:
        """Publishes the whole list; reports how many are present, and how far the list falls short."""
        listing, present_ids = self.kind.listing, set[str]()
        unreadable_ids, exceptions = set[str](), list[str]()

        async def read_once() -> set[str]:
            return await self._read_once(present_ids, unreadable_ids)

        _, shortfall = await read_whole(self.psa, listing, read_once)
        if not shortfall:
            exceptions = await self._confirm_absences(present_ids | unreadable_ids)
        return StepReport(
            counts={listing.value: len(present_ids)},
            shortfalls=(shortfall,) if shortfall else (),
            exceptions=named([*self._unreadable.exceptions, *exceptions]),
        )

    async def _read_once(self, present_ids: set[str], unreadable_ids: set[str]) -> set[str]:
        """Returns the ids of all rows; adds to `present_ids` those that are not listed as deleted."""
        ids, unreadable = set[str](), list[UnreadableRow]()
        stamp = await self.context.stamp()
        async for batch in _batches(reachable_rows(self.kind.read_all(self.psa))):
            things = [thing for thing in batch if not isinstance(thing, UnreadableRow)]
            unreadable += [row for row in batch if isinstance(row, UnreadableRow)]
            present = [thing for thing in things if thing.present]
            await self.context.publisher.publish(self.kind.observe(thing, stamp) for thing in present)
            ids |= {self.kind.id_of(thing) for thing in things}
            present_ids |= {self.kind.id_of(thing) for thing in present}
            self.context.progress.advance(len(batch))
        unreadable_ids |= self._unreadable.note_all(unreadable)
        return ids | unreadable_ids

    async def _confirm_absences(self, listed_ids: Collection[str]) -> list[str]:
        """Reads what was present and is in no list now, or is listed as deleted.

        Returns a sentence for each that cannot be read: it keeps what was last known of it.
        """
        kind, exceptions = self.kind, list[str]()
        missing = await vanished(self.context, kind.model, listed_ids, kind.observed_id)

        async def confirm(last_seen: O) -> None:
            async def read() -> T | None:
                thing = await kind.read_by_id(self.psa, kind.observed_id(last_seen))
                return thing if thing and thing.present else None

            try:
                await confirm_absence(self.context, last_seen, read, kind.observe)
            except (CredentialsRejected, ProviderUnreachable):
                raise
            except PermanentError as error:
                exceptions.append(f"{kind.observed_id(last_seen)} of the {kind.listing}: {error}")

        await for_each(missing, confirm)
        return exceptions


def named(sentences: Sequence[str]) -> tuple[str, ...]:
    """Returns the first sentences, and one that counts the others."""
    others = len(sentences) - _EXCEPTIONS_NAMED
    return (*sentences[:_EXCEPTIONS_NAMED], *([f"and {others} more"] if others > 0 else []))


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
