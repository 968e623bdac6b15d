"""Ingram Micro's rows as we understand them; pure. The only place that knows its field names."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from shared.contracts.vendor_sync import SubscriptionStatus
from shared.errors import UnexpectedResponse
from vendor_sync.marketplace import (
    Customer,
    Price,
    ProductEntry,
    SubscriptionDetail,
    SubscriptionRow,
    VendorPeriod,
)

Json = Any

_EXTERNAL_RATING = "chargeexternalrating"
_NO_TYPE = ("", "unknown")


@contextmanager
def parsing(what: str) -> Iterator[None]:
    """A row in a shape that we do not know is `UnexpectedResponse`, never a bare KeyError."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, InvalidOperation) as error:
        raise UnexpectedResponse(f"ingram-micro: {what} cannot be understood: {error!r}") from error


def id_of(row: Json) -> str:
    """Ids look like numbers and are opaque strings."""
    with parsing("a row without id"):
        return str(row["id"])


def account_of(row: Json) -> Customer:
    """A customer; address, contacts and tax number are personal and stay where they are."""
    with parsing(f"customer {id_of(row)}"):
        return Customer(
            account_id=id_of(row),
            name=_text(row, "name") or id_of(row),
            external_id=_text(row, "externalId"),
            status=_text(row, "status") or "unknown",
        )


def row_of(row: Json) -> SubscriptionRow:
    with parsing(f"subscription {id_of(row)}"):
        return SubscriptionRow(
            subscription_id=id_of(row),
            account_id=str(row["customerId"]),
            name=_text(row, "name") or id_of(row),
            # Compared client-side with what was asked for.
            status=_status(row),
            created_on=_day(row, "creationDate"),
            modified_on=_day(row, "lastModifiedDate"),
            renews_on=_day(row, "renewalDate"),
            expires_on=_day(row, "expirationDate"),
            term=_period(row.get("subscriptionPeriod")),
            billing=_period(row.get("billingPeriod")),
            rated_outside=str(row.get("billingModel")).lower() == _EXTERNAL_RATING,
        )


def detail_of(body: Json) -> SubscriptionDetail:
    """`products` may be missing or empty: then nothing is known of quantities (quirk 2)."""
    with parsing(f"subscription {id_of(body)}"):
        return SubscriptionDetail(
            row_of(body), tuple(_product(product) for product in body.get("products") or ())
        )


def _product(product: Json) -> ProductEntry:
    return ProductEntry(
        product_id=_text(product, "id"),
        mpn=_text(product, "mpn"),
        vendor=_text(product, "vendor"),
        name=_text(product, "name"),
        quantity=_quantity(product.get("quantity")),
        unit_price=_money(product.get("unitPrice")),
        unit_cost=_money(product.get("unitCost")),
    )


def _status(row: Json) -> SubscriptionStatus:
    """Enums grow: what we do not know is `unknown`, in any case of letters."""
    said = str(row.get("status")).lower()
    return SubscriptionStatus(said) if said in set(SubscriptionStatus) else SubscriptionStatus.UNKNOWN


def _quantity(value: Json) -> Decimal | None:
    """A whole number, a float, or either as a string; missing is not zero."""
    if isinstance(value, bool):
        raise TypeError(f"{value} is no quantity")
    return None if value is None or value == "" else _exact(value)


def _money(value: Json) -> Price | None:
    if not value or value.get("amount") in (None, "") or not value.get("currency"):
        return None
    return Price(_exact(value["amount"]), str(value["currency"]).upper())


def _exact(value: Json) -> Decimal:
    """`10`, `10.0` and `"10"` are one and the same number."""
    number = Decimal(str(value))
    if not number.is_finite():
        raise ValueError(f"{value} is no number")
    return Decimal(format(number.normalize(), "f"))


def _period(value: Json) -> VendorPeriod | None:
    type_ = str((value or {}).get("type") or "").lower()
    if type_ in _NO_TYPE:
        return None
    return VendorPeriod(type_, int(value.get("duration") or 1))


def _day(row: Json, name: str) -> date | None:
    """Zone-less calendar dates; some versions put a time behind them."""
    text = row.get(name)
    try:
        return date.fromisoformat(text[:10]) if text else None
    except ValueError:
        return None


def _text(row: Json, name: str) -> str | None:
    value = row.get(name)
    return None if value is None or value == "" else str(value)
