"""Derives services and lines from a subscription's products (architecture §4, *Rulings*); pure."""

# Invariant: one thing that is sold has one key, whoever buys it and whenever, and two things never share one.
# A part number alone is not unique (Ingram Micro §8.9), so vendor, term and billing period go with it:
#
#   Microsoft, CFQ7:0001, 1 year, billed monthly   → Microsoft|CFQ7:0001|1 year|1 month
#   no part number, product PRD1                   → Microsoft|PRD1|1 year|1 month
#   a subscription without products, "Big  BASIC"  → |big basic|1 year|1 month, one line without a number
#
# No number is not zero: what has no quantity, or is rated by the vendor after use, is `unquantified`, and
# says which of these it is.

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from shared.contracts.vendor_sync import MissingQuantity
from vendor_sync.marketplace import Price, ProductEntry, SubscriptionDetail, SubscriptionRow, VendorPeriod

_UNSET = "-"
_CADENCES = {"1 day": "Daily", "1 month": "Monthly", "3 month": "Quarterly", "1 year": "Yearly"}


@dataclass(frozen=True, slots=True)
class SoldService:
    """Something that is sold, by its key; `title` is the name with term and billing period."""

    key: str
    name: str
    title: str
    vendor: str | None
    mpn: str | None
    term: str
    billing_period: str


@dataclass(frozen=True, slots=True)
class SoldLine:
    """How many of a service a subscription holds, or why that is not known; never zero for unknown."""

    service: SoldService
    quantity: Decimal | None
    reason: MissingQuantity | None
    """Why there is no quantity; None when there is one."""
    unit_price: Decimal | None = None
    unit_cost: Decimal | None = None
    currency: str | None = None
    """The currency of price and cost."""


def lines_of(detail: SubscriptionDetail) -> tuple[SoldLine, ...]:
    """Returns one line for each product; one without a number when there are none."""
    row = detail.row
    if detail.products:
        return tuple(_line(product, row) for product in detail.products)
    unknown = ProductEntry(product_id=None, mpn=None, vendor=None, name=row.name, quantity=None)
    reason = MissingQuantity.EXTERNAL_RATING if row.rated_outside else MissingQuantity.NO_PRODUCTS
    return (SoldLine(_service(unknown, row), None, reason),)


def service_key(vendor: str | None, item: str, row: SubscriptionRow) -> str:
    """Returns `vendor|item|<duration type>|<duration type>`; a bar inside a part cannot shift the others."""
    parts = (vendor or "", item, _period_text(row.term), _period_text(row.billing))
    return "|".join(part.replace("%", "%25").replace("|", "%7C") for part in parts)


def rename_service(service: SoldService, names: Mapping[str, str]) -> SoldService:
    """Returns the service under the name in `names`, by its key: subscriptions may name one differently."""
    name = names.get(service.key, service.name)
    return replace(service, name=name, title=retitle(service.title, service.name, name))


def retitle(title: str, old_name: str, new_name: str) -> str:
    """Returns the title under a new name; term and billing period, with which it ends, stay as they are."""
    return new_name + title.removeprefix(old_name)


def _line(product: ProductEntry, row: SubscriptionRow) -> SoldLine:
    quantity, reason = product.quantity, None
    if row.rated_outside:
        quantity, reason = None, MissingQuantity.EXTERNAL_RATING
    elif quantity is None:
        reason = MissingQuantity.NO_QUANTITY
    currency = next((price.currency for price in (product.unit_price, product.unit_cost) if price), None)
    return SoldLine(
        _service(product, row),
        quantity,
        reason,
        _amount_in(currency, product.unit_price),
        _amount_in(currency, product.unit_cost),
        currency,
    )


def _service(product: ProductEntry, row: SubscriptionRow) -> SoldService:
    """Returns the service that a product entry is one of; add-ons inherit the subscription's periods."""
    name = product.name or row.name
    # Without any id the name has to do, as far as it is the same to a reader: case and spaces do not count.
    item = product.mpn or product.product_id or " ".join(name.casefold().split())
    return SoldService(
        key=service_key(product.vendor, item, row),
        name=name,
        title=_title(name, row),
        vendor=product.vendor,
        mpn=product.mpn,
        term=_period_text(row.term),
        billing_period=_period_text(row.billing),
    )


def _title(name: str, row: SubscriptionRow) -> str:
    """Returns `Microsoft 365 Business Basic – 1 Year, billed Monthly`: people tell terms apart by it."""
    term = f"{row.term.duration} {_plural(row.term)}" if row.term else ""
    billed = f"billed {_cadence(row.billing)}" if row.billing else ""
    suffix = ", ".join(part for part in (term, billed) if part)
    return f"{name} – {suffix}" if suffix else name


def _plural(period: VendorPeriod) -> str:
    return period.type.title() + ("s" if period.duration != 1 else "")


def _cadence(period: VendorPeriod) -> str:
    return _CADENCES.get(str(period)) or f"every {period.duration} {_plural(period)}"


def _period_text(period: VendorPeriod | None) -> str:
    return str(period) if period else _UNSET


def _amount_in(currency: str | None, price: Price | None) -> Decimal | None:
    """Returns the amount, or None in another currency: a line never mixes currencies."""
    return price.amount if price and price.currency == currency else None
