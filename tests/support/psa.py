"""A fake PSA with a state, behind psa-sync's own protocol; a test sets its faults."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import ClassVar

from psa_sync.psa import (
    Agreement,
    CatalogueItem,
    Company,
    LastUpdate,
    Listing,
    PsaLine,
    UnreadableRow,
    WriteAcknowledgement,
)
from shared.errors import (
    Conflict,
    CredentialsRejected,
    NotFound,
    OutcomeUnknown,
    PermanentError,
    TransientError,
)
from shared.sync_engine.models import IntegrationState

US = "apiMember"
"""Who writes through the API, as the PSA names them."""
FIRST_CHANGE = datetime(2026, 3, 2, 11, tzinfo=UTC)


class Killed(BaseException):
    """The process dies here: nothing may catch it."""


def an_agreement(agreement_id: str = "77", *, cancelled: bool = False) -> Agreement:
    return Agreement(agreement_id, "Managed services", "19297", cancelled=cancelled, currency="USD")


def a_line(
    line_id: str = "901", quantity: str | None = "8", *, agreement: Agreement | None = None
) -> PsaLine:
    return PsaLine(
        line_id=line_id,
        agreement=agreement or an_agreement(),
        product_id="512",
        quantity=None if quantity is None else Decimal(quantity),
        included=Decimal(0),
        unit_price=Decimal("3.5"),
        unit_cost=Decimal("1.2"),
        charged=True,
    )


async def _do_nothing(_: str) -> None:
    return


@dataclass
class FakePsa:
    """Holds companies, products, agreements and lines; any call may be made to go wrong."""

    name: ClassVar[str] = "fake"

    held_lines: dict[str, PsaLine] = field(default_factory=dict)
    listed_companies: list[Company] = field(default_factory=list)
    listed_products: list[CatalogueItem] = field(default_factory=list)
    listed_agreements: list[Agreement] = field(default_factory=list)
    counts: dict[Listing, int] = field(default_factory=dict)
    read_faults: list[Exception | None] = field(default_factory=list)
    faults: dict[str, list[Exception]] = field(default_factory=dict)
    """What the named calls raise, one after the other."""
    hangs_at: str = ""
    """The name of the call that never comes back."""
    write_faults: list[str] = field(default_factory=list)
    """What happens to the next writes; see `_REFUSALS` and `set_quantity`. None left: they work.

    One of `_REFUSALS` with `-after` is answered like that although it was carried out.
    """
    unlisted: set[str] = field(default_factory=set)
    """Lines that the lists leave out although they are there."""
    unlisted_agreements: set[str] = field(default_factory=set)
    """Agreements that the list of all leaves out although they are there."""
    calls: list[str] = field(default_factory=list)
    sent: list[tuple[str, Decimal]] = field(default_factory=list)
    applied: list[tuple[str, Decimal]] = field(default_factory=list)
    late: list[tuple[str, Decimal]] = field(default_factory=list)
    """What was sent and got no answer, and has not arrived yet."""
    changes: int = 0
    """How often any line was changed, by whomever."""
    last_read: Decimal | None = None
    before_call: Callable[["FakePsa", str], None] = lambda *_: None
    as_listed: Callable[[str], Awaitable[None]] = _do_nothing
    """What else happens after a list was read, and before its answer has arrived; it is given the call."""
    odd_rows: dict[str, list[UnreadableRow]] = field(default_factory=dict)
    """The rows that the named lists hold besides, and that cannot be understood."""

    async def companies(self) -> AsyncIterator[Company | UnreadableRow]:
        self._call("companies")
        for company in (*self.listed_companies, *self.odd_rows.get("companies", ())):
            yield company

    async def products(self) -> AsyncIterator[CatalogueItem | UnreadableRow]:
        self._call("products")
        for product in (*self.listed_products, *self.odd_rows.get("products", ())):
            yield product

    async def agreements(self) -> AsyncIterator[Agreement | UnreadableRow]:
        self._call("agreements")
        for agreement in (*self.listed_agreements, *self.odd_rows.get("agreements", ())):
            if isinstance(agreement, UnreadableRow) or agreement.agreement_id not in self.unlisted_agreements:
                yield agreement
        await self.as_listed("agreements")

    async def company_agreements(self, company_id: str) -> AsyncIterator[Agreement | UnreadableRow]:
        self._call(f"agreements of {company_id}")
        for agreement in (*self.listed_agreements, *self.odd_rows.get("agreements", ())):
            if agreement.company_id == company_id:
                yield agreement

    async def lines(self, agreement: Agreement) -> AsyncIterator[PsaLine | UnreadableRow]:
        self._call(name := f"lines {agreement.agreement_id}")
        if name == self.hangs_at:
            await asyncio.Event().wait()
        for line in list(self.held_lines.values()):
            if line.agreement.agreement_id == agreement.agreement_id and line.line_id not in self.unlisted:
                yield replace(line, agreement=agreement)
        for row in self.odd_rows.get(name, ()):
            yield row
        await self.as_listed(name)

    async def count(self, listing: Listing) -> int:
        self._call(f"count {listing}")
        lists = (self.listed_companies, self.listed_products, self.listed_agreements)
        listed = len(lists[list(Listing).index(listing)]) + len(self.odd_rows.get(listing, ()))
        return self.counts.get(listing, listed)

    async def company(self, company_id: str) -> Company | None:
        self._call(f"company {company_id}")
        return next((c for c in self.listed_companies if c.company_id == company_id), None)

    async def product(self, product_id: str) -> CatalogueItem | None:
        self._call(f"product {product_id}")
        return next((p for p in self.listed_products if p.product_id == product_id), None)

    async def agreement(self, agreement_id: str) -> Agreement | None:
        self._call(f"agreement {agreement_id}")
        return next((a for a in self.listed_agreements if a.agreement_id == agreement_id), None)

    async def line(self, agreement_id: str, line_id: str) -> PsaLine | None:  # noqa: ARG002  the protocol's
        self._call(f"line {line_id}")
        line = self.held_lines.get(line_id)
        self.last_read = line.quantity if line else None
        return line

    async def reread(self, line: PsaLine) -> PsaLine | None:
        self._call(f"reread {line.line_id}")
        return self.held_lines.get(line.line_id)

    async def set_quantity(self, agreement_id: str, line_id: str, quantity: Decimal) -> WriteAcknowledgement:  # noqa: ARG002  the protocol's
        self._call(f"write {line_id}")
        self.sent.append((line_id, quantity))
        fault = self.write_faults.pop(0) if self.write_faults else "works"
        if fault.removesuffix("-after") in _REFUSALS and fault not in ("cut-after", "killed-after"):
            if fault.endswith("-after"):
                self.set_line(line_id, str(quantity), by=US)
                self.applied.append((line_id, quantity))
            raise _REFUSALS[fault.removesuffix("-after")]
        if fault == "late":
            self.late.append((line_id, quantity))
            raise OutcomeUnknown("the connection was cut")
        if fault != "false-200":
            self.set_line(line_id, str(quantity), by=US)
            self.applied.append((line_id, quantity))
        if fault == "cut-after":
            raise OutcomeUnknown("the connection was cut")
        if fault == "killed-after":
            raise Killed
        stamp = self.held_lines[line_id].last_update
        return WriteAcknowledgement(quantity, f"request-{len(self.sent)}", stamp)

    def deliver_late(self) -> None:
        """Carries out the requests that were under way all the time."""
        for line_id, quantity in self.late:
            self.set_line(line_id, str(quantity), by=US)
        self.late.clear()

    def set_line(self, line_id: str, quantity: str | None, *, by: str = "jdoe") -> None:
        """Sets the line as somebody does in the PSA itself, which stamps it."""
        number = None if quantity is None else Decimal(quantity)
        self.changes += 1
        stamp = LastUpdate(FIRST_CHANGE + timedelta(seconds=self.changes), by)
        self.held_lines[line_id] = replace(self.held_lines[line_id], quantity=number, last_update=stamp)

    @asynccontextmanager
    async def connect(self, integration: IntegrationState) -> AsyncIterator["FakePsa"]:  # noqa: ARG002  one PSA for all
        yield self

    def _call(self, name: str) -> None:
        self.before_call(self, name)
        self.calls.append(name)
        is_read = not name.startswith(("write", "reread"))
        fault = self.read_faults.pop(0) if self.read_faults and is_read else None
        fault = self.faults[name].pop(0) if self.faults.get(name) else fault
        if fault is not None:
            raise fault


_REFUSALS: dict[str, BaseException] = {
    "cut-before": OutcomeUnknown("the connection was cut"),
    "killed-before": Killed(),
    "throttled": TransientError("too many requests", retry_after=30, status=429),
    "busy": Conflict("the record is in use", status=409),
    "refused": PermanentError("400", status=400, message="quantity is invalid"),
    "locked-out": CredentialsRejected("401 not authenticated", status=401),
    "missing": NotFound("404"),
}
