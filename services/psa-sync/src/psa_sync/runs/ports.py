"""What the steps need of the outside; each is given when the service is built."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from psa_sync.psa import (
    Agreement,
    CatalogueItem,
    Company,
    Listing,
    PsaLine,
    UnreadableRow,
    WriteAcknowledgement,
)
from psa_sync.runs.company_collect import AgreementEntry, CompanyCollect, CompanyEntry
from psa_sync.runs.line_record import LineRecord
from shared.sync_engine.manifest_records import ManifestRecord
from shared.sync_engine.models import IntegrationState, Run


class PsaConnection(Protocol):
    """Reads one PSA, and sets one number in it. Raises our errors, `NotFound` for what does not exist."""

    def companies(self) -> AsyncIterator[Company | UnreadableRow]:
        """Yields every row of the list, as all lists do: also those that cannot be understood."""
        ...

    def products(self) -> AsyncIterator[CatalogueItem | UnreadableRow]: ...
    def agreements(self) -> AsyncIterator[Agreement | UnreadableRow]: ...

    def company_agreements(self, company_id: str) -> AsyncIterator[Agreement | UnreadableRow]:
        """Yields the agreements of one company."""
        ...

    def lines(self, agreement: Agreement) -> AsyncIterator[PsaLine | UnreadableRow]:
        """Yields what one call lists of the agreement; the lines carry its facts as they are given."""
        ...

    async def count(self, listing: Listing) -> int:
        """Returns how many rows the PSA itself counts."""
        ...

    async def company(self, company_id: str) -> Company | None:
        """Reads one company now; None, as for all single reads, only when the PSA proves to know others."""
        ...

    async def product(self, product_id: str) -> CatalogueItem | None: ...

    async def agreement(self, agreement_id: str) -> Agreement | None: ...

    async def line(self, agreement_id: str, line_id: str) -> PsaLine | None:
        """Reads one line and its agreement, both now."""
        ...

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
class KnownLines:
    """Where lines were when they were read last."""

    company_ids: frozenset[str]
    billed_agreement_ids: frozenset[str]
    """The agreements of which lines were there, and not under a cancelled agreement."""


@dataclass(frozen=True, slots=True)
class CollectChange:
    """What changes in what is stored of one company, by one reading of it."""

    company_id: str
    lines: Sequence[LineRecord] = ()
    agreement: AgreementEntry | None = None
    dropped_agreement_id: str | None = None
    """An agreement that the company has no more."""
    entry: CompanyEntry | None = None
    relisted: Sequence[AgreementEntry] | None = None
    """All its agreements by a further listing, which `entry` names."""


@dataclass(frozen=True, slots=True)
class ReadProgress:
    """How far the queue of agreements is worked off."""

    due: int
    read: int
    lines: int
    exceptions: tuple[str, ...]
    """A sentence for each agreement, line and company that could not be read."""


class CollectQueue(Protocol):
    """The companies and agreements that a run collects, and the lines as they were read last.

    Outlives the worker. Everything that changes it raises `LeaseLost` for a worker that has lost the run.

    A protocol although `CollectQueueRepository` alone implements it: the run definition and its steps do no
    I/O themselves (an import contract), so they must not import a repository.
    """

    async def known_lines(self, run: Run) -> KnownLines: ...

    async def fill(
        self,
        run: Run,
        companies: Sequence[CompanyEntry],
        agreements: Sequence[AgreementEntry],
        *,
        listed_revision: int,
    ) -> None:
        """Queues what was listed, and forgets what was listed before this revision."""
        ...

    def pages(self, run: Run) -> AsyncIterator[list[CompanyEntry]]:
        """Yields the companies of the run in the order of their keys."""
        ...

    async def load(
        self, run: Run, entries: Sequence[CompanyEntry], records: Mapping[str, ManifestRecord]
    ) -> list[CompanyCollect]:
        """Returns a page's companies with their agreements and lines; `records` are of manifests before."""
        ...

    async def store(self, run: Run, changes: Sequence[CollectChange]) -> None:
        """Stores what was read: an agreement after its lines, a company after its further listing."""
        ...

    async def forget_lines(self, run: Run, line_ids: Mapping[str, Collection[str]]) -> None:
        """Removes lines, by company, whose end a manifest has told."""
        ...

    async def company_ids(self, run: Run) -> list[str]:
        """Returns the companies that the run has queued, in the order of their keys."""
        ...

    async def progress(self, run: Run) -> ReadProgress: ...
