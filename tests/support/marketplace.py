"""A fake marketplace with a state, behind vendor-sync's own protocol; keeps the calls that it answered."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal

from shared.contracts.vendor_sync import SubscriptionStatus
from shared.sync_engine.models import IntegrationState
from vendor_sync.marketplace import (
    Customer,
    ListPage,
    ProductEntry,
    RefusedRow,
    SubscriptionDetail,
    SubscriptionRow,
    VendorPeriod,
)

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
YEAR, MONTH = VendorPeriod("year", 1), VendorPeriod("month", 1)


async def _do_nothing(_: str) -> None:
    return


def a_row(
    subscription_id: str = "s1",
    *,
    account_id: str = "c1",
    name: str = "Microsoft 365 Business Basic (NCE)",
    status: SubscriptionStatus = SubscriptionStatus.ACTIVE,
    term: VendorPeriod | None = YEAR,
    billing: VendorPeriod | None = MONTH,
    rated_outside: bool = False,
) -> SubscriptionRow:
    return SubscriptionRow(
        subscription_id=subscription_id,
        account_id=account_id,
        name=name,
        status=status,
        created_on=date(2025, 2, 12),
        modified_on=date(2025, 6, 30),
        term=term,
        billing=billing,
        rated_outside=rated_outside,
    )


def a_product(
    mpn: str | None = "CFQ7:0001", *, quantity: int | None = 10, name: str = "Basic"
) -> ProductEntry:
    number = None if quantity is None else Decimal(quantity)
    return ProductEntry(product_id="PRD1", mpn=mpn, vendor="Microsoft", name=name, quantity=number)


def a_detail(row: SubscriptionRow | None = None, *products: ProductEntry) -> SubscriptionDetail:
    return SubscriptionDetail(row or a_row(), products or (a_product(),))


def an_offer(subscription_id: str, offer: str, quantity: int = 5) -> SubscriptionDetail:
    """A subscription of an offer that is sold under a part number of the same name."""
    return a_detail(a_row(subscription_id, name=offer), a_product(offer, quantity=quantity, name=offer))


@dataclass
class FakeMarketplace:
    """Holds what may change at any time; `before_answer` and `before_listing` may fail, or change it."""

    details: dict[str, SubscriptionDetail] = field(default_factory=dict)
    listed_customers: dict[str, Customer] = field(default_factory=dict)
    unlisted_customers: dict[str, Customer] = field(default_factory=dict)
    """Customers who answer for themselves, and are in no list."""
    page_size: int = 2
    unlisted: set[str] = field(default_factory=set)
    """Ids that no list shows."""
    refused_rows: list[RefusedRow] = field(default_factory=list)
    """Rows that each list of all accounts could not be understood of."""
    ignores_filter: bool = False
    """Whether the list of one customer holds all customers' subscriptions."""
    short_lists: set[SubscriptionStatus] = field(default_factory=set)
    before_answer: Callable[[str], Awaitable[None]] = _do_nothing
    before_listing: Callable[[str], Awaitable[None]] = _do_nothing
    calls: list[str] = field(default_factory=list)
    """Ids of the details that were read, in order; a customer as `account <id>`, its list as `list <id>`."""

    def put(self, *details: SubscriptionDetail) -> None:
        self.details |= {detail.row.subscription_id: detail for detail in details}

    def set_status(self, subscription_id: str, status: SubscriptionStatus) -> None:
        detail = self.details[subscription_id]
        self.put(replace(detail, row=replace(detail.row, status=status)))

    async def accounts(self) -> AsyncIterator[ListPage[Customer]]:
        await self.before_listing("accounts")
        rows = list(self.listed_customers.values())
        for start in range(0, len(rows) or 1, self.page_size):
            yield ListPage(
                rows[start : start + self.page_size], len(rows), refused=[] if start else self.refused_rows
            )

    async def subscriptions(self, status: SubscriptionStatus) -> AsyncIterator[ListPage[SubscriptionRow]]:
        await self.before_listing(status)
        rows = [
            detail.row
            for id_, detail in self.details.items()
            if detail.row.status is status and id_ not in self.unlisted
        ]
        for start in range(0, len(rows) or 1, self.page_size):
            yield ListPage(
                rows[start : start + self.page_size], len(rows), refused=[] if start else self.refused_rows
            )
        if status in self.short_lists:
            yield ListPage((), len(rows) + 1, short=True)

    async def account_subscriptions(self, account_id: str) -> AsyncIterator[ListPage[SubscriptionRow]]:
        self.calls.append(f"list {account_id}")
        await self.before_listing(f"list {account_id}")
        rows = [
            detail.row
            for id_, detail in self.details.items()
            if (self.ignores_filter or detail.row.account_id == account_id) and id_ not in self.unlisted
        ]
        for start in range(0, len(rows) or 1, self.page_size):
            yield ListPage(rows[start : start + self.page_size], len(rows))

    async def account(self, account_id: str) -> Customer | None:
        self.calls.append(f"account {account_id}")
        await self.before_answer(f"account {account_id}")
        return {**self.unlisted_customers, **self.listed_customers}.get(account_id)

    async def subscription(self, subscription_id: str) -> SubscriptionDetail | None:
        self.calls.append(subscription_id)
        await self.before_answer(subscription_id)
        return self.details.get(subscription_id)

    @asynccontextmanager
    async def connect(self, _: IntegrationState) -> AsyncIterator["FakeMarketplace"]:
        yield self


def customers(*ids: str) -> dict[str, Customer]:
    return {id_: Customer(id_, f"Customer {id_}", None, "active") for id_ in ids}
