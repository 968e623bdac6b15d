"""Parses Ingram Micro's rows into our models; pure, and the only place that knows its field names.

Raises `UnexpectedResponse` for a row in a shape that we do not know.
"""

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
_STATUSES = frozenset(SubscriptionStatus)


@contextmanager
def parsing(what: str) -> Iterator[None]:
    """Turns whatever a row in an unknown shape raises into `UnexpectedResponse`, which names the row."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, InvalidOperation) as error:
        raise UnexpectedResponse(f"ingram-micro: {what} cannot be understood: {error!r}") from error


def id_of(row: Json) -> str:
    """Returns the id of a row: it looks like a number and is an opaque string (Ingram Micro §6)."""
    with parsing("a row without id"):
        return str(row["id"])


def account_of(row: Json) -> Customer:
    """Parses a customer (§7.1); address, contacts and tax number are personal data, and are left out."""
    with parsing(f"customer {id_of(row)}"):
        return Customer(
            account_id=id_of(row),
            name=_text(row, "name") or id_of(row),
            external_id=_text(row, "externalId"),
            status=_text(row, "status") or "unknown",
        )


def row_of(row: Json) -> SubscriptionRow:
    """Parses a subscription as a list shows it (§7.2); nearly every field may be null."""
    with parsing(f"subscription {id_of(row)}"):
        status = str(row.get("status")).lower()
        return SubscriptionRow(
            subscription_id=id_of(row),
            account_id=str(row["customerId"]),
            name=_text(row, "name") or id_of(row),
            # Enums grow (§6): a status that we do not know is `unknown`.
            status=SubscriptionStatus(status) if status in _STATUSES else SubscriptionStatus.UNKNOWN,
            created_on=_day(row, "creationDate"),
            modified_on=_day(row, "lastModifiedDate"),
            renews_on=_day(row, "renewalDate"),
            expires_on=_day(row, "expirationDate"),
            term=_period(row.get("subscriptionPeriod")),
            billing=_period(row.get("billingPeriod")),
            rated_outside=str(row.get("billingModel")).lower() == _EXTERNAL_RATING,
        )


def detail_of(body: Json) -> SubscriptionDetail:
    """Parses a subscription with its products (§7.3); without any, nothing is known of quantities (§8.2)."""
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


def _quantity(value: Json) -> Decimal | None:
    """Parses a whole number, a float, or either as a string (§6); a missing quantity is not zero."""
    if isinstance(value, bool):
        raise TypeError(f"{value} is no quantity")
    return None if value is None or value == "" else _exact(value)


def _money(value: Json) -> Price | None:
    if not value or value.get("amount") in (None, "") or not value.get("currency"):
        return None
    return Price(_exact(value["amount"]), str(value["currency"]).upper())


def _exact(value: Json) -> Decimal:
    """Returns the exact number; `10`, `10.0` and `"10"` are one and the same."""
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
    """Parses a calendar date without a zone (§6), maybe with a time behind it; an odd one is unset."""
    text = row.get(name)
    try:
        return date.fromisoformat(text[:10]) if text else None
    except ValueError:
        return None


def _text(row: Json, name: str) -> str | None:
    value = row.get(name)
    return None if value is None or value == "" else str(value)
