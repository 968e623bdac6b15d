"""What the use cases need of the outside; each is given when the service is built."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from psa_sync.models.psa import Acknowledged, Agreement, Company, Line, Listing, Product
from psa_sync.models.writes import Intent
from shared.contracts import Message
from shared.syncing.models import Known, Run
from shared.syncing.observing import Fence, Observer


class Psa(Protocol):
    """One PSA: reads it, and sets one number in it. Raises our errors, `NotFound` for what is not there."""

    def companies(self) -> AsyncIterator[Company]: ...
    def products(self) -> AsyncIterator[Product]: ...
    def agreements(self) -> AsyncIterator[Agreement]: ...
    def lines(self, agreement: Agreement) -> AsyncIterator[Line]: ...

    async def count(self, listing: Listing) -> int:
        """How many the list has in the PSA's own opinion."""
        ...

    async def company(self, company_id: str) -> Company | None:
        """One company read now; None, as for all single reads, only when the PSA proves to know others."""
        ...

    async def product(self, product_id: str) -> Product | None: ...

    async def line(self, agreement_id: str, line_id: str) -> Line | None: ...

    async def set_quantity(self, agreement_id: str, line_id: str, quantity: Decimal) -> Acknowledged:
        """Sent once. `OutcomeUnknown` when it may have taken effect, `Conflict` when the record is in use."""
        ...


Connect = Callable[[Known], AbstractAsyncContextManager[Psa]]
Clock = Callable[[], datetime]


class Integrations(Protocol):
    """The integrations that auth has told of."""

    async def get(self, tenant_id: str, integration_id: str) -> Known | None: ...


class Lease(Fence, Protocol):
    """The right to work alone; raises `LeaseLost` when it is over."""

    async def renew(self) -> None: ...


Observe = Callable[[Known, Fence], Observer]
"""Publishing of what was read of one integration, for as long as the lease lasts."""


@dataclass(frozen=True, slots=True)
class LineName:
    """Which line of which PSA: writes to it are made one after another."""

    tenant_id: str
    integration_id: str
    line_id: str


class Intents(Protocol):
    """The writes asked of us, from the command to the result."""

    async def head(self, of: LineName) -> Intent | None:
        """The oldest unfinished write to this line."""
        ...

    async def save(self, intent: Intent) -> Intent:
        """Store the next step; raises `Conflict` when another worker stored one since."""
        ...

    async def finish(self, intent: Intent, messages: Sequence[Message]) -> Intent:
        """Store the result and say it, both or neither; raises `Conflict` as `save` does."""
        ...


@dataclass(frozen=True, slots=True)
class Listed:
    """What the lists of one run said of lines, as far as they were read."""

    agreements: frozenset[str]
    """Every agreement that is listed."""
    read: frozenset[str]
    """Those whose lines were listed."""
    lines: frozenset[str]


@dataclass(frozen=True, slots=True)
class Stand:
    """How far a run's to-do list is done."""

    due: int
    read: int
    lines: int
    failures: tuple[str, ...]


class Todo(Protocol):
    """The agreements whose lines a run must read; outlives the worker."""

    async def fill(self, run: Run, due: Sequence[Agreement], skipped: Sequence[Agreement]) -> None:
        """Add what is not there yet; forget the lists of earlier runs."""
        ...

    async def open(self, run: Run) -> list[Agreement]: ...
    async def done(self, run: Run, agreement_id: str, line_ids: Sequence[str]) -> None: ...
    async def failed(self, run: Run, agreement_id: str, why: str) -> None: ...
    async def listed(self, run: Run) -> Listed: ...
    async def stand(self, run: Run) -> Stand: ...
