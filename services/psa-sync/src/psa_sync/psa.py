"""The PSA's things as a connector yields them, whichever PSA it is; quantities and prices are exact; pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum


class Listing(StrEnum):
    """The lists that a PSA counts without their being read; each name is also the noun of a run's count."""

    COMPANIES = "companies"
    PRODUCTS = "products"
    AGREEMENTS = "agreements"


@dataclass(frozen=True, slots=True)
class Company:
    """A company in the PSA: who is billed."""

    company_id: str
    key: str
    """The short name that people type (ConnectWise: `identifier`)."""
    name: str
    present: bool = True
    """False when the PSA still answers for it but calls it deleted."""
    active: bool = True
    """What the PSA says: False only when its status is one that the PSA calls inactive."""
    tax_id: str | None = None
    domains: tuple[str, ...] = ()
    """Of its website."""
    town: str | None = None
    postcode: str | None = None
    country: str | None = None
    """ISO 3166-1 alpha-2."""
    status: str | None = None
    """The tenant's own word."""
    types: tuple[str, ...] = ()
    """The tenant's own words."""


@dataclass(frozen=True, slots=True)
class CatalogueItem:
    """A product in the catalogue; `key` is what screens call the product id (ConnectWise: `identifier`)."""

    product_id: str
    key: str
    name: str
    active: bool
    present: bool = True
    description: str | None = None
    """What the customer is told of the item, where that is more than its name."""
    manufacturer_part_number: str | None = None
    vendor: str | None = None
    """Who makes the item; where the PSA does not say it, from whom it is bought."""
    category: str | None = None
    product_class: str | None = None


@dataclass(frozen=True, slots=True)
class Agreement:
    """The contract that lines belong to; its dates bound theirs."""

    agreement_id: str
    name: str
    company_id: str
    cancelled: bool
    """Cancelled or otherwise switched off: nothing of the agreement is billed, whatever its dates say."""
    starts_on: date | None = None
    ends_on: date | None = None
    """The first day on which nothing of it is billed any more."""
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class UnreadableRow:
    """A row of a list that cannot be understood; the rows beside it can."""

    id: str
    """Of the thing that the row is about; empty when even that cannot be read."""
    reason: str
    company_id: str = ""
    """The company that the row names, if it can be read."""
    product_id: str = ""
    """The product that the row names, if it can be read."""


@dataclass(frozen=True, slots=True)
class LastUpdate:
    """Who changed a record last, and when, as the PSA itself stamps it."""

    at: datetime
    by: str | None


@dataclass(frozen=True, slots=True)
class PsaLine:
    """One billed line with the agreement that it belongs to, both as read now."""

    line_id: str
    agreement: Agreement
    product_id: str
    quantity: Decimal | None
    included: Decimal | None
    """Units that are free of charge, counted in `quantity`."""
    unit_price: Decimal | None
    unit_cost: Decimal | None
    charged: bool
    """Whether the line itself is billed; `billable` takes the agreement into account."""
    from_day: date | None = None
    until_day: date | None = None
    """The line's own dates; `starts_on` and `ends_on` take the agreement's into account."""
    last_update: LastUpdate | None = None
    """None where the PSA does not stamp its lines."""

    @property
    def billable(self) -> bool:
        return self.charged and not self.agreement.cancelled

    @property
    def starts_on(self) -> date | None:
        """The later first day of the line and its agreement: the line is billed only while both run."""
        return max(_set_days(self.from_day, self.agreement.starts_on), default=None)

    @property
    def ends_on(self) -> date | None:
        """The earlier end of both: the first day on which the line is no longer billed."""
        return min(_set_days(self.until_day, self.agreement.ends_on), default=None)


@dataclass(frozen=True, slots=True)
class WriteAcknowledgement:
    """What the PSA answered to a write: a claim that only a read-back proves."""

    quantity: Decimal | None
    request_id: str | None
    last_update: LastUpdate | None = None


def _set_days(*days: date | None) -> Iterable[date]:
    # An unset day is no bound: neither the earliest nor the latest.
    return [day for day in days if day is not None]
