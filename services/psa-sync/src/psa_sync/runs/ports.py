"""What the steps need of the outside; each is given when the service is built."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from psa_sync.psa import Agreement, CatalogueItem, Company, Listing, PsaLine, WriteAcknowledgement
from shared.refusals import Refusals
from shared.sync_engine.models import IntegrationState, Run


class PsaConnection(Protocol):
    """Reads one PSA, and sets one number in it. Raises our errors, `NotFound` for what does not exist."""

    @property
    def refusals(self) -> Mapping[Listing, Refusals]:
        """The rows that each list left out of what it yielded: they could not be understood."""
        ...

    def companies(self) -> AsyncIterator[Company]: ...
    def products(self) -> AsyncIterator[CatalogueItem]: ...
    def agreements(self) -> AsyncIterator[Agreement]: ...
    def lines(self, agreement: Agreement) -> AsyncIterator[PsaLine]: ...

    async def count(self, listing: Listing) -> int:
        """Returns how many rows the PSA itself counts."""
        ...

    async def company(self, company_id: str) -> Company | None:
        """Reads one company now; None, as for all single reads, only when the PSA proves to know others."""
        ...

    async def product(self, product_id: str) -> CatalogueItem | None: ...

    async def line(self, agreement_id: str, line_id: str) -> PsaLine | None: ...

    async def reread(self, line: PsaLine) -> PsaLine | None:
        """Reads the line's own record again, in one call, right before it is written to."""
        ...

    async def set_quantity(self, agreement_id: str, line_id: str, quantity: Decimal) -> WriteAcknowledgement:
        """Sends the quantity once.

        Raises `OutcomeUnknown` when it may have taken effect, `Conflict` when the record is in use.
        """
        ...


Connect = Callable[[IntegrationState], AbstractAsyncContextManager[PsaConnection]]
"""Opens the PSA of an integration, with its credentials, for as long as the context lasts."""


@dataclass(frozen=True, slots=True)
class ListedLines:
    """What the lists of one run hold of lines, as far as they were read."""

    agreement_ids: frozenset[str]
    """Every agreement that is listed."""
    read_agreement_ids: frozenset[str]
    """The agreements whose lines were listed."""
    line_ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class ReadProgress:
    """How far the queue of agreements is worked off."""

    due: int
    read: int
    lines: int
    failures: tuple[str, ...]
    """A sentence for each of the first failures, and one that counts the others."""


class AgreementQueue(Protocol):
    """The agreements whose lines a run must read; outlives the worker.

    A protocol although `AgreementQueueRepository` alone implements it: the run definition and its steps do no
    I/O themselves (an import contract), so they must not import a repository.
    """

    async def fill(self, run: Run, due: Sequence[Agreement], skipped: Sequence[Agreement]) -> None:
        """Adds what is not queued yet, and forgets the queues of earlier runs."""
        ...

    async def due(self, run: Run) -> list[Agreement]:
        """Returns the agreements that are not read yet."""
        ...

    async def complete(self, run: Run, agreement_id: str, line_ids: Sequence[str]) -> None:
        """Stores that the lines of an agreement are read and published."""
        ...

    async def fail(self, run: Run, agreement_id: str, why: str) -> None:
        """Stores that an agreement could not be read; it is not tried again in this run."""
        ...

    async def listed(self, run: Run) -> ListedLines: ...

    async def progress(self, run: Run) -> ReadProgress: ...
