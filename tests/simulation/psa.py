"""The PSA behind psa-sync's own port: what a connector yields of the world, and where our writes arrive."""

# A write takes effect at one instant after it was sent, maybe long after its sender gave up waiting, or
# never; its answer may be lost. Whoever gave up does not know which.

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any

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
from shared.errors import Conflict, NotFound, OutcomeUnknown, PermanentError, TransientError
from shared.sync_engine.models import IntegrationState
from tests.simulation.network import Link, Network
from tests.simulation.process import moment
from tests.simulation.world import BilledFacts, World

_LINK = Link(shortest=0.1, longest=2.0, lost=0.0008, unanswered=0.0008, slow=0.0)
_PAGE_SIZE = 3
_TIMEOUT_SECONDS = 30.0
_LATEST_SECONDS = 330.0
_US = "apiMember"
_LOST, _LATE, _IN_USE, _IGNORED = 0.03, 0.14, 0.03, 0.06


class SimulatedPsa:
    """One PSA, as one process calls it."""

    def __init__(self, world: World, network: Network, random: Random) -> None:
        self._world, self._network, self._random = world, network, random
        self.on_send: Callable[[str, Decimal], None] = lambda _line, _quantity: None
        """Told of every write in the moment in which it is sent."""
        self.on_arrive: Callable[[str, Decimal, float], None] = lambda _line, _quantity, _sent_at: None
        """Told of every write right before it takes effect, with the moment in which it was sent."""
        self.on_look: Callable[[str], None] = lambda _line: None
        """Told of every line that is read by itself."""
        self.last_look: dict[str, float] = {}
        """When each line was read by itself last."""

    @asynccontextmanager
    async def connect(self, _: IntegrationState) -> AsyncIterator["SimulatedPsa"]:
        yield self

    async def companies(self) -> AsyncIterator[Company | UnreadableRow]:
        async for one in self._pages(lambda: [_company(id_) for id_ in self._world.companies]):
            yield one

    async def products(self) -> AsyncIterator[CatalogueItem | UnreadableRow]:
        async for one in self._pages(lambda: [_product(id_) for id_ in self._world.products]):
            yield one

    async def agreements(self) -> AsyncIterator[Agreement | UnreadableRow]:
        async for one in self._pages(lambda: [_agreement(id_) for id_ in self._world.companies]):
            yield one

    async def company_agreements(self, company_id: str) -> AsyncIterator[Agreement | UnreadableRow]:
        known = lambda: [_agreement(id_) for id_ in self._world.companies if id_ == company_id]  # noqa: E731
        async for one in self._pages(known):
            yield one

    async def lines(self, agreement: Agreement) -> AsyncIterator[PsaLine | UnreadableRow]:
        def rows() -> list[PsaLine | UnreadableRow]:
            return [
                UnreadableRow(one.id, "cannot be understood", one.company)
                if one.id in self._world.unreadable_lines
                else _line(one, agreement)
                for one in self._lines_of(agreement.agreement_id)
            ]

        async for row in self._pages(rows):
            yield row

    async def count(self, listing: Listing) -> int:
        lists = {Listing.COMPANIES: self._world.companies, Listing.PRODUCTS: self._world.products}
        counted: int = await self._call(lambda: len(lists.get(listing, self._world.companies)))
        return counted

    async def company(self, company_id: str) -> Company | None:
        known = await self._call(lambda: company_id in self._world.companies)
        return _company(company_id) if known else None

    async def product(self, product_id: str) -> CatalogueItem | None:
        known = await self._call(lambda: product_id in self._world.products)
        return _product(product_id) if known else None

    async def agreement(self, agreement_id: str) -> Agreement | None:
        known = lambda: any(_agreement(id_).agreement_id == agreement_id for id_ in self._world.companies)  # noqa: E731
        company = agreement_id.removeprefix("ag-")
        return _agreement(company) if await self._call(known) else None

    async def reread(self, line: PsaLine) -> PsaLine | None:
        latest = await self.line(line.agreement.agreement_id, line.line_id)
        return replace(latest, agreement=line.agreement) if latest else None

    async def line(self, agreement_id: str, line_id: str) -> PsaLine | None:
        def read() -> PsaLine | None:
            self.last_look[line_id] = self._world.now
            self.on_look(line_id)
            if line_id in self._world.unreadable_lines:
                raise PermanentError("403 forbidden", status=403)
            one = self._world.lines.get(line_id)
            return _line(one, _agreement(one.company)) if one and one.agreement == agreement_id else None

        found: PsaLine | None = await self._call(read)
        return found

    async def set_quantity(self, agreement_id: str, line_id: str, quantity: Decimal) -> WriteAcknowledgement:
        self.on_send(line_id, quantity)
        arrive = partial(self._arrive, agreement_id, line_id, quantity, sent_at=self._world.now)
        draw = self._random.random() if self._network.is_faulty else 1.0
        if draw < _LOST + _LATE:
            delay = self._random.uniform(1, _LATEST_SECONDS)
            if draw >= _LOST:
                self._network.later(delay, arrive)
            await self._call(lambda: None)  # the time-out: nothing is known
            raise OutcomeUnknown("no answer in time")
        if draw < _LOST + _LATE + _IN_USE:
            await self._call(lambda: None)
            raise Conflict("the record is in use", status=409)
        stamp = LastUpdate(moment(self._world.now), _US)
        if draw < _LOST + _LATE + _IN_USE + _IGNORED:  # a false 200: acknowledged, and not done
            await self._call(lambda: None)
            return WriteAcknowledgement(quantity, f"request-{self._world.next_number()}", stamp)
        link = Link(_LINK.shortest, _LINK.longest, unanswered=0.02)
        broken = lambda _: OutcomeUnknown("the connection was cut")  # noqa: E731
        stamp = await self._network.call(link, arrive, broken)
        return WriteAcknowledgement(quantity, f"request-{self._world.next_number()}", stamp)

    def _arrive(self, agreement_id: str, line_id: str, quantity: Decimal, *, sent_at: float) -> LastUpdate:
        one = self._world.lines.get(line_id)
        if one is None or one.agreement != agreement_id:
            raise NotFound("404")
        self.on_arrive(line_id, quantity, sent_at)
        self._world.set_by_us(line_id, quantity)
        return LastUpdate(moment(self._world.now), _US)

    def _lines_of(self, agreement_id: str) -> list[BilledFacts]:
        return [one for one in self._world.lines.values() if one.agreement == agreement_id]

    async def _pages(self, rows: Callable[[], list[Any]]) -> AsyncIterator[Any]:
        offset = 0
        while page := await self._call(partial(_page, rows, offset)):
            for row in page:
                yield row
            offset += _PAGE_SIZE
            if len(page) < _PAGE_SIZE:
                return

    async def _call(self, serve: Callable[[], Any]) -> Any:
        return await self._network.call(_LINK, serve, lambda _: TransientError("the PSA is away"))


def _page(rows: Callable[[], list[Any]], offset: int) -> list[Any]:
    return rows()[offset : offset + _PAGE_SIZE]


def _company(id_: str) -> Company:
    return Company(id_, id_, f"Company {id_}")


def _product(id_: str) -> CatalogueItem:
    return CatalogueItem(id_, f"SKU-{id_}", f"Product {id_}", active=True)


def _agreement(company: str) -> Agreement:
    return Agreement(f"ag-{company}", f"Agreement of {company}", company, cancelled=False, currency="USD")


def _line(one: BilledFacts, agreement: Agreement) -> PsaLine:
    return PsaLine(
        line_id=one.id,
        agreement=agreement,
        product_id=one.product,
        quantity=one.quantity,
        included=one.included,
        unit_price=one.price,
        unit_cost=one.price,
        charged=one.charged,
        until_day=one.ends_on,
        last_update=LastUpdate(moment(one.changed_at), one.changed_by),
    )
