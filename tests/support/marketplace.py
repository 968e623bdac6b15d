"""A marketplace with a state, behind vendor-sync's own Protocol; logs the details it was asked for."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal

from shared.contracts.vendor_sync import SubscriptionStatus
from shared.syncing.models import Known
from vendor_sync.models.vendor import Account, Detail, Page, Period, Product, Row

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
YEAR, MONTH = Period("year", 1), Period("month", 1)


async def _nothing(_: str) -> None:
    return


def a_row(
    subscription_id: str = "s1",
    *,
    account_id: str = "c1",
    name: str = "Microsoft 365 Business Basic (NCE)",
    status: SubscriptionStatus = SubscriptionStatus.ACTIVE,
    term: Period | None = YEAR,
    billing: Period | None = MONTH,
    rated_outside: bool = False,
) -> Row:
    return Row(
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


def a_product(mpn: str | None = "CFQ7:0001", *, quantity: int | None = 10, name: str = "Basic") -> Product:
    number = None if quantity is None else Decimal(quantity)
    return Product(product_id="PRD1", mpn=mpn, vendor="Microsoft", name=name, quantity=number)


def a_detail(row: Row | None = None, *products: Product) -> Detail:
    return Detail(row or a_row(), products or (a_product(),))


def an_offer(subscription_id: str, offer: str, quantity: int = 5) -> Detail:
    """A subscription of an offer that is sold under a part number of the same name."""
    return a_detail(a_row(subscription_id, name=offer), a_product(offer, quantity=quantity, name=offer))


@dataclass
class FakeMarketplace:
    """What is in it may be changed at any time; `asked` is called before each detail is answered."""

    details: dict[str, Detail] = field(default_factory=dict)
    accounts_there: dict[str, Account] = field(default_factory=dict)
    page_size: int = 2
    hidden: set[str] = field(default_factory=set)
    """Ids that no list shows."""
    held_for: float = 0.0
    """Seconds for which it lets nobody call."""
    short: set[SubscriptionStatus] = field(default_factory=set)
    asked: Callable[[str], Awaitable[None]] = _nothing
    listing: Callable[[str], Awaitable[None]] = _nothing
    log: list[str] = field(default_factory=list)
    """Ids of the details that were asked for, in order."""

    def has(self, *details: Detail) -> None:
        self.details |= {detail.row.subscription_id: detail for detail in details}

    def becomes(self, subscription_id: str, status: SubscriptionStatus) -> None:
        detail = self.details[subscription_id]
        self.has(replace(detail, row=replace(detail.row, status=status)))

    async def accounts(self) -> AsyncIterator[Page[Account]]:
        await self.listing("accounts")
        there = list(self.accounts_there.values())
        for start in range(0, len(there) or 1, self.page_size):
            yield Page(there[start : start + self.page_size], len(there))

    async def subscriptions(self, status: SubscriptionStatus) -> AsyncIterator[Page[Row]]:
        await self.listing(status)
        rows = [
            detail.row
            for id_, detail in self.details.items()
            if detail.row.status is status and id_ not in self.hidden
        ]
        for start in range(0, len(rows) or 1, self.page_size):
            yield Page(rows[start : start + self.page_size], len(rows))
        if status in self.short:
            yield Page((), len(rows) + 1, short=True)

    async def account(self, account_id: str) -> Account | None:
        self.log.append(f"account {account_id}")
        await self.asked(f"account {account_id}")
        return self.accounts_there.get(account_id)

    async def subscription(self, subscription_id: str) -> Detail | None:
        self.log.append(subscription_id)
        await self.asked(subscription_id)
        return self.details.get(subscription_id)

    @asynccontextmanager
    async def open(self, _: Known) -> AsyncIterator["FakeMarketplace"]:
        yield self


def customers(*ids: str) -> dict[str, Account]:
    return {one: Account(one, f"Customer {one}", None, "active") for one in ids}


def ids_of(details: Iterable[Detail]) -> list[str]:
    return [detail.row.subscription_id for detail in details]
