"""The PSA's things as a connector reads them, whichever PSA it is; quantities and prices are exact."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum


class Listing(StrEnum):
    """The lists that can be counted without reading them."""

    COMPANIES = "companies"
    PRODUCTS = "products"
    AGREEMENTS = "agreements"


@dataclass(frozen=True, slots=True)
class Company:
    """Who is billed."""

    company_id: str
    key: str
    name: str
    present: bool = True
    """False when the PSA still answers for it but calls it deleted."""


@dataclass(frozen=True, slots=True)
class CatalogueItem:
    """A catalogue item; `key` is what people call the product id."""

    product_id: str
    key: str
    name: str
    active: bool
    present: bool = True


@dataclass(frozen=True, slots=True)
class Agreement:
    """The contract that lines hang on; its dates bound theirs."""

    agreement_id: str
    name: str
    company_id: str
    cancelled: bool
    """Or otherwise switched off: nothing of it is billed, whatever its dates say."""
    starts_on: date | None = None
    ends_on: date | None = None
    """First day on which nothing of it is billed any more."""
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class PsaLine:
    """One billed line with the agreement that it belongs to, both as read now."""

    line_id: str
    agreement: Agreement
    product_id: str
    quantity: Decimal | None
    included: Decimal | None
    unit_price: Decimal | None
    unit_cost: Decimal | None
    charged: bool
    """What the line itself says; `billable` counts the agreement in."""
    from_day: date | None = None
    until_day: date | None = None

    @property
    def billable(self) -> bool:
        return self.charged and not self.agreement.cancelled

    @property
    def starts_on(self) -> date | None:
        """The later of the line's and the agreement's first day: billed only when both run."""
        return max(_known(self.from_day, self.agreement.starts_on), default=None)

    @property
    def ends_on(self) -> date | None:
        """The earlier of both ends; the first day on which the line is no longer billed."""
        return min(_known(self.until_day, self.agreement.ends_on), default=None)


@dataclass(frozen=True, slots=True)
class WriteAcknowledgement:
    """What the PSA answered to a write: a claim that only reading back can prove."""

    quantity: Decimal | None
    request_id: str | None


def _known(*days: date | None) -> Iterable[date]:
    return [day for day in days if day is not None]
