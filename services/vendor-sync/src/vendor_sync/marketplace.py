"""The marketplace's things as a connector yields them, whichever vendor runs it; amounts are exact; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import Generic, TypeVar

from shared.contracts.vendor_sync import SubscriptionStatus

BILLABLE = (SubscriptionStatus.ACTIVE, SubscriptionStatus.HOLD)
"""The statuses that are listed, one by one, and counted (architecture §4)."""
ENDED = (SubscriptionStatus.TERMINATED, SubscriptionStatus.REMOVED)
"""The statuses of what is over; `pending` and `unknown` are neither (Ingram Micro §7.2)."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class VendorPeriod:
    """A commitment term or an invoice cadence: `duration` units of `type` (day, month, year …)."""

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
    """A customer in the marketplace: a vendor account."""

    account_id: str
    name: str
    external_id: str | None
    status: str
    tax_id: str | None = None
    domains: tuple[str, ...] = ()
    """Of its contacts' e-mail addresses; nothing else of a contact is read."""
    town: str | None = None
    postcode: str | None = None
    country: str | None = None
    """ISO 3166-1 alpha-2."""


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
    """The vendor rates it after use (`chargeExternalRating`): its quantity is no count of seats."""

    @property
    def offer(self) -> str:
        """Identifies what was bought as far as a list row tells: by name and periods."""
        return sha256(f"{self.name}|{self.term}|{self.billing}".encode()).hexdigest()[:16]

    @property
    def fingerprint(self) -> str:
        """Identifies what the row says: it differs when anything in the row does."""
        # Of what we parsed of the row: a field that we do not read makes no detail due. It is stored, and
        # compared with that of the next run, so a field that is renamed here makes every detail due once.
        return sha256(repr(self).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class ProductEntry:
    """One product entry of a subscription; None is what the vendor left out, and never zero."""

    product_id: str | None
    mpn: str | None
    vendor: str | None
    name: str | None
    quantity: Decimal | None
    unit_price: Price | None = None
    unit_cost: Price | None = None


@dataclass(frozen=True, slots=True)
class SubscriptionDetail:
    """A subscription read by itself; only the detail holds its products (Ingram Micro §7.3)."""

    row: SubscriptionRow
    products: tuple[ProductEntry, ...]


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row of a list that could not be understood, with what could be read of it."""

    reason: str
    id: str | None = None
    account_id: str | None = None
    """The customer whose subscription the row is about."""


@dataclass(frozen=True, slots=True)
class ListPage(Generic[T]):
    """A page of a list; over all pages each thing comes once."""

    rows: Sequence[T]
    total: int | None = None
    """How many things the vendor counts in the whole list; None when it does not say."""
    short: bool = False
    """True on the last page of a list that was read twice and still holds fewer than the vendor counts."""
    refused: Sequence[RefusedRow] = ()
    """The rows that could not be understood: they count as seen, and what they are about keeps its state.

    A list that is read once more names its odd rows again."""
