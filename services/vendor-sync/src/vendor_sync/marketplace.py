"""What a marketplace is made of, whichever vendor runs it; what connectors yield."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import Generic, TypeVar

from shared.contracts.vendor_sync import SubscriptionStatus

__all__ = [
    "BILLABLE",
    "Customer",
    "SubscriptionDetail",
    "Price",
    "ListPage",
    "VendorPeriod",
    "ProductEntry",
    "SubscriptionRow",
    "SubscriptionStatus",
]

BILLABLE = (SubscriptionStatus.ACTIVE, SubscriptionStatus.HOLD)
"""The statuses that are listed and counted (architecture §4)."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class VendorPeriod:
    """A commitment or an invoice cadence."""

    type: str
    duration: int

    def __str__(self) -> str:
        return f"{self.duration} {self.type}"


@dataclass(frozen=True, slots=True)
class Price:
    """An exact amount in one currency."""

    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer in the marketplace."""

    account_id: str
    name: str
    external_id: str | None
    status: str


@dataclass(frozen=True, slots=True)
class SubscriptionRow:
    """A subscription as a list shows it: no products, no quantity."""

    subscription_id: str
    account_id: str
    name: str
    status: SubscriptionStatus
    created_on: date | None = None
    modified_on: date | None = None
    renews_on: date | None = None
    expires_on: date | None = None
    term: VendorPeriod | None = None
    billing: VendorPeriod | None = None
    rated_outside: bool = False
    """Rated by the vendor after use (`chargeExternalRating`): its quantity is no count of seats."""

    @property
    def offer(self) -> str:
        """What lists can tell of what was bought: name and periods."""
        return sha256(f"{self.name}|{self.term}|{self.billing}".encode()).hexdigest()[:16]

    @property
    def fingerprint(self) -> str:
        """Differs when anything in the row does."""
        # Of what we understood of the row: a field that we do not read makes no detail due.
        return sha256(repr(self).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class ProductEntry:
    """One product entry of a subscription; what is None was not said."""

    product_id: str | None
    mpn: str | None
    vendor: str | None
    name: str | None
    quantity: Decimal | None
    unit_price: Price | None = None
    unit_cost: Price | None = None


@dataclass(frozen=True, slots=True)
class SubscriptionDetail:
    """A subscription read by itself; only here are its products."""

    row: SubscriptionRow
    products: tuple[ProductEntry, ...]


@dataclass(frozen=True, slots=True)
class ListPage(Generic[T]):
    """Some of a list, each thing once."""

    rows: Sequence[T]
    total: int | None = None
    """How many the vendor says there are; None when it does not say."""
    short: bool = False
    """The list ended, was read again, and still holds fewer than the vendor says."""
