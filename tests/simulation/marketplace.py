"""The marketplace behind vendor-sync's own port: what a connector yields of the world, call by call."""

# Each call travels and is answered from the world as it is at one instant; the pages of a list are calls of
# their own, so rows shift between them. As a connector does, each thing of a list is yielded once, and a list
# that held fewer than the marketplace counts is read once more.

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any

from shared.contracts.vendor_sync import SubscriptionStatus
from shared.errors import LongPause, PermanentError, TransientError
from shared.sync_engine.models import IntegrationState
from tests.simulation.network import Link, Network
from tests.simulation.world import Subscription, World
from vendor_sync.marketplace import (
    Customer,
    ListPage,
    Price,
    ProductEntry,
    RefusedRow,
    SubscriptionDetail,
    SubscriptionRow,
    VendorPeriod,
)

_LINK = Link(shortest=0.1, longest=3.0, lost=0.0008, unanswered=0.0008, slow=0.0)
_PAGE_SIZE = 4
_YEAR, _MONTH = VendorPeriod("year", 1), VendorPeriod("month", 1)
_PAUSED = 0.002
_LISTING_PATIENCE_SECONDS = 7200.0


class SimulatedMarketplace:
    """One marketplace, as one process calls it."""

    def __init__(self, world: World, network: Network, random: Random) -> None:
        self._world, self._network, self._random = world, network, random

    @asynccontextmanager
    async def connect(self, _: IntegrationState) -> AsyncIterator["SimulatedMarketplace"]:
        yield self

    async def accounts(self) -> AsyncIterator[ListPage[Customer]]:
        def rows() -> list[Customer]:
            return [_customer(account) for account in sorted(self._world.company_of)]

        async for page in self._list(rows, lambda customer: customer.account_id):
            yield page

    async def subscriptions(self, status: SubscriptionStatus) -> AsyncIterator[ListPage[SubscriptionRow]]:
        def rows() -> list[Subscription]:
            return [one for one in self._listed() if one.status == status.value]

        async for page in self._list(rows, lambda one: one.id):
            yield _as_rows(page, self._world)

    async def account_subscriptions(self, account_id: str) -> AsyncIterator[ListPage[SubscriptionRow]]:
        def rows() -> list[Subscription]:
            return [one for one in self._listed() if one.account == account_id]

        async for page in self._list(rows, lambda one: one.id):
            yield _as_rows(page, self._world)

    async def account(self, account_id: str) -> Customer | None:
        known = await self._call(lambda: account_id in self._world.company_of)
        return _customer(account_id) if known else None

    async def subscription(self, subscription_id: str) -> SubscriptionDetail | None:
        def read() -> SubscriptionDetail | None:
            if subscription_id in self._world.unreadable_subscriptions:
                raise PermanentError("403 forbidden", status=403)
            one = self._world.subscriptions.get(subscription_id)
            return _detail(one) if one else None

        found: SubscriptionDetail | None = await self._call(read)
        return found

    def _listed(self) -> list[Subscription]:
        """What the lists show now: those of all customers and those of one come to show a renewal late."""
        shown = [one for one in self._world.subscriptions.values() if one.listed_at <= self._world.now]
        return sorted(shown, key=lambda one: -one.number)

    async def _list(
        self, rows: Callable[[], list[Any]], id_of: Callable[[Any], str]
    ) -> AsyncIterator[ListPage[Any]]:
        seen: set[str] = set()
        total = 0
        for _ in range(2):
            offset = 0
            while True:
                page, total = await self._call(partial(_page, rows, offset))
                fresh = [row for row in page if id_of(row) not in seen]
                seen |= {id_of(row) for row in page}
                offset += _PAGE_SIZE
                yield ListPage(fresh, total)
                if not page or offset >= total:
                    break
            if len(seen) >= total:
                return
        yield ListPage((), total, short=True)

    async def _call(self, serve: Callable[[], Any]) -> Any:
        if self._network.is_faulty and self._random.random() < _PAUSED:
            raise LongPause("the quota is used up", retry_after=self._random.uniform(70, 300))
        return await self._network.call(_LINK, serve, lambda _: TransientError("the marketplace is away"))


def _page(rows: Callable[[], list[Any]], offset: int) -> tuple[list[Any], int]:
    """A page of the list as it is now, and how many rows it has."""
    now = rows()
    return now[offset : offset + _PAGE_SIZE], len(now)


def _customer(account: str) -> Customer:
    return Customer(account, f"Customer {account}", None, "active")


def _row(one: Subscription) -> SubscriptionRow:
    return SubscriptionRow(
        subscription_id=one.id,
        account_id=one.account,
        name=one.offer.mpn,
        status=SubscriptionStatus(one.status),
        created_on=date(2025, 1, 1),
        modified_on=date(2025, 1, 1),
        term=_YEAR,
        billing=_MONTH,
    )


def _detail(one: Subscription) -> SubscriptionDetail:
    price = Price(one.price, one.currency)
    product = ProductEntry(None, one.offer.mpn, "Acme", one.offer.mpn, Decimal(one.quantity), price, price)
    return SubscriptionDetail(_row(one), (product,))


def _as_rows(page: ListPage[Subscription], world: World) -> ListPage[SubscriptionRow]:
    """Rows of entities that are odd cannot always be understood."""
    odd = [one for one in page.rows if one.id in world.unreadable_subscriptions and one.number % 2]
    return ListPage(
        [_row(one) for one in page.rows if one not in odd],
        page.total,
        page.short,
        [RefusedRow("cannot be understood", one.id, one.account) for one in odd],
    )
