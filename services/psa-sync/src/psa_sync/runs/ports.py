"""What the use cases need of the outside; each is given when the service is built."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from psa_sync.psa import Agreement, CatalogueItem, Company, Listing, PsaLine, WriteAcknowledgement
from psa_sync.writes.intent import Intent
from shared.contracts import Message
from shared.sync_engine.change_publisher import ChangePublisher, LeaseFence
from shared.sync_engine.models import IntegrationState, Run


class PsaConnection(Protocol):
    """One PSA: reads it, and sets one number in it. Raises our errors, `NotFound` for what is not there."""

    def companies(self) -> AsyncIterator[Company]: ...
    def products(self) -> AsyncIterator[CatalogueItem]: ...
    def agreements(self) -> AsyncIterator[Agreement]: ...
    def lines(self, agreement: Agreement) -> AsyncIterator[PsaLine]: ...

    async def count(self, listing: Listing) -> int:
        """How many the list has in the PSA's own opinion."""
        ...

    async def company(self, company_id: str) -> Company | None:
        """One company read now; None, as for all single reads, only when the PSA proves to know others."""
        ...

    async def product(self, product_id: str) -> CatalogueItem | None: ...

    async def line(self, agreement_id: str, line_id: str) -> PsaLine | None: ...

    async def set_quantity(self, agreement_id: str, line_id: str, quantity: Decimal) -> WriteAcknowledgement:
        """Sent once. `OutcomeUnknown` when it may have taken effect, `Conflict` when the record is in use."""
        ...


Connect = Callable[[IntegrationState], AbstractAsyncContextManager[PsaConnection]]
Clock = Callable[[], datetime]


class IntegrationLookup(Protocol):
    """The integrations that auth has told of."""

    async def get(self, tenant_id: str, integration_id: str) -> IntegrationState | None: ...


class WriteLease(LeaseFence, Protocol):
    """The right to work alone; raises `LeaseLost` when it is over."""

    async def renew(self) -> None: ...


Observe = Callable[[IntegrationState, LeaseFence], ChangePublisher]
"""Publishing of what was read of one integration, for as long as the lease lasts."""


@dataclass(frozen=True, slots=True)
class LineRef:
    """Which line of which PSA: writes to it are made one after another."""

    tenant_id: str
    integration_id: str
    line_id: str


class IntentStore(Protocol):
    """The writes asked of us, from the command to the result."""

    async def head(self, of: LineRef) -> Intent | None:
        """The oldest unfinished write to this line."""
        ...

    async def save(self, intent: Intent) -> Intent:
        """Store the next step; raises `Conflict` when another worker stored one since."""
        ...

    async def finish(self, intent: Intent, messages: Sequence[Message]) -> Intent:
        """Store the result and say it, both or neither; raises `Conflict` as `save` does."""
        ...


@dataclass(frozen=True, slots=True)
class ListedLines:
    """What the lists of one run said of lines, as far as they were read."""

    agreements: frozenset[str]
    """Every agreement that is listed."""
    read: frozenset[str]
    """Those whose lines were listed."""
    lines: frozenset[str]


@dataclass(frozen=True, slots=True)
class ReadProgress:
    """How far a run's to-do list is done."""

    due: int
    read: int
    lines: int
    failures: tuple[str, ...]


class AgreementQueue(Protocol):
    """The agreements whose lines a run must read; outlives the worker."""

    async def fill(self, run: Run, due: Sequence[Agreement], skipped: Sequence[Agreement]) -> None:
        """Add what is not there yet; forget the lists of earlier runs."""
        ...

    async def open(self, run: Run) -> list[Agreement]: ...
    async def done(self, run: Run, agreement_id: str, line_ids: Sequence[str]) -> None: ...
    async def failed(self, run: Run, agreement_id: str, why: str) -> None: ...
    async def listed(self, run: Run) -> ListedLines: ...
    async def stand(self, run: Run) -> ReadProgress: ...
