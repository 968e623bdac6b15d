"""From a subscription's products to services and lines (architecture §4, Rulings)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from shared.contracts.base import NoNumber
from vendor_sync.marketplace import Price, ProductEntry, SubscriptionDetail, SubscriptionRow, VendorPeriod

_UNSET = "-"
_CADENCES = {"1 day": "Daily", "1 month": "Monthly", "3 month": "Quarterly", "1 year": "Yearly"}


@dataclass(frozen=True, slots=True)
class SoldService:
    """Something that is sold, by its key."""

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
    missing: NoNumber | None
    unit_price: Decimal | None = None
    unit_cost: Decimal | None = None
    currency: str | None = None


def lines_of(detail: SubscriptionDetail) -> tuple[SoldLine, ...]:
    """One line for each product; one without a number when there are none."""
    row = detail.row
    if not detail.products:
        return (SoldLine(_unnamed_service(row), None, NoNumber.UNQUANTIFIED),)
    return tuple(_line(product, row) for product in detail.products)


def service_key(vendor: str | None, item: str, row: SubscriptionRow) -> str:
    """`vendor|mpn|<duration type>|<duration type>`; a bar inside a part cannot shift the others."""
    return "|".join(_part(part) for part in (vendor or "", item, _period(row.term), _period(row.billing)))


def renamed(service: SoldService, names: Mapping[str, str]) -> SoldService:
    """Under the name that its key is known by: subscriptions may name one service differently."""
    name = names.get(service.key, service.name)
    return replace(service, name=name, title=name + service.title.removeprefix(service.name))


def _line(product: ProductEntry, row: SubscriptionRow) -> SoldLine:
    counted = None if row.rated_outside else product.quantity
    money = {"unit_price": product.unit_price, "unit_cost": product.unit_cost}
    currency = next((value.currency for value in money.values() if value), None)
    return SoldLine(
        _service(product, row),
        counted,
        NoNumber.UNQUANTIFIED if counted is None else None,
        _in(currency, product.unit_price),
        _in(currency, product.unit_cost),
        currency,
    )


def _service(product: ProductEntry, row: SubscriptionRow) -> SoldService:
    """Add-ons inherit the subscription's periods."""
    # A part number alone is not unique (quirk 9): vendor and periods go with it.
    name = product.name or row.name
    item = product.mpn or product.product_id or _plain(name)
    return SoldService(
        key=service_key(product.vendor, item, row),
        name=name,
        title=_titled(name, row),
        vendor=product.vendor,
        mpn=product.mpn,
        term=_period(row.term),
        billing_period=_period(row.billing),
    )


def _unnamed_service(row: SubscriptionRow) -> SoldService:
    nothing = ProductEntry(product_id=None, mpn=None, vendor=None, name=row.name, quantity=None)
    return _service(nothing, row)


def _titled(name: str, row: SubscriptionRow) -> str:
    """`Microsoft 365 Business Basic – 1 Year, billed Monthly`: people tell terms apart by it."""
    term = f"{row.term.duration} {_plural(row.term)}" if row.term else ""
    billed = f"billed {_cadence(row.billing)}" if row.billing else ""
    suffix = ", ".join(part for part in (term, billed) if part)
    return f"{name} – {suffix}" if suffix else name


def _plural(period: VendorPeriod) -> str:
    return period.type.title() + ("s" if period.duration != 1 else "")


def _cadence(period: VendorPeriod) -> str:
    return _CADENCES.get(str(period)) or f"every {period.duration} {_plural(period)}"


def _period(period: VendorPeriod | None) -> str:
    return str(period) if period else _UNSET


def _plain(name: str) -> str:
    return " ".join(name.casefold().split())


def _part(text: str) -> str:
    return text.replace("%", "%25").replace("|", "%7C")


def _in(currency: str | None, money: Price | None) -> Decimal | None:
    """Currencies are never mixed within a line: what is in another one is not known."""
    return money.amount if money and money.currency == currency else None
