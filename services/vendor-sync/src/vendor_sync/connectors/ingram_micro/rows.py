"""Parses Ingram Micro's rows into our models; pure, and the only place that knows its field names.

Raises `UnexpectedResponse` for a row in a shape that we do not know, or with an id, a code or a number larger
than our limits (`shared.contracts.fields`); a name that is too long is shortened. Characters that cannot be
shown are replaced (`shared.plain_text`); in an id they are refused.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import Any

from shared.contracts.fields import (
    checked_code,
    checked_currency,
    checked_id,
    plain,
    shortened_name,
    shortened_sentence,
)
from shared.contracts.provider_values import exact_number, exact_quantity, reckonable_day
from shared.contracts.vendor_sync import SubscriptionStatus
from shared.errors import UnexpectedResponse
from shared.evidence.countries import country_code
from shared.evidence.domains import domains_of
from shared.evidence.texts import postcode_of, tax_id_of, town_of
from shared.limits import messages as limits
from shared.limits import record_hit
from shared.plain_text import cleaned
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
_MOST_CONTACTS = 100
_NO_TYPE = ("", "unknown")
_STATUSES = frozenset(SubscriptionStatus)


@contextmanager
def parsing(what: str) -> Iterator[None]:
    """Turns whatever a row in an unknown shape raises into `UnexpectedResponse`, which names the row."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as error:
        sentence = f"ingram-micro: {what} cannot be understood: {error!r}"
        raise UnexpectedResponse(shortened_sentence(sentence)) from error


def id_of(row: Json) -> str:
    """Returns the id of a row: it looks like a number and is an opaque string (Ingram Micro §6)."""
    with parsing("a row without id"):
        return checked_id(_text(row["id"]))


def customer_id_of(row: Json) -> str | None:
    """Returns whose subscription a row is about, as far as that can be read of a row that cannot."""
    try:
        with parsing("a row without customer"):
            return checked_id(_text(row["customerId"]))
    except UnexpectedResponse:
        return None


def account_of(row: Json) -> Customer:
    """Parses a customer (§7.1).

    Of address and contacts, which are personal data, only place and domains are kept, and these as far as the
    row has them: list rows may lack them, and one that is odd is no reason to refuse the row.
    """
    with parsing(f"customer {id_of(row)}"):
        address = _object(row.get("address"))
        return Customer(
            account_id=id_of(row),
            name=_name(row) or id_of(row),
            external_id=_external_id(row),
            status=_code(row, "status") or "unknown",
            tax_id=tax_id_of(row.get("taxRegId")),
            domains=domains_of(_emails(row.get("contactPersons"))),
            town=town_of(address.get("city")),
            postcode=postcode_of(address.get("postalCode")),
            country=country_code(address.get("countryCode")),
        )


def row_of(row: Json) -> SubscriptionRow:
    """Parses a subscription as a list shows it (§7.2); nearly every field may be null."""
    with parsing(f"subscription {id_of(row)}"):
        status = str(row.get("status")).lower()
        return SubscriptionRow(
            subscription_id=id_of(row),
            account_id=checked_id(_text(row["customerId"])),
            name=_name(row) or id_of(row),
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
        products = body.get("products")
        if not isinstance(products, list | None):
            raise TypeError("its products are no list")
        products = products or []
        if len(products) > limits.SUBSCRIPTION_LINES.most:
            record_hit(limits.SUBSCRIPTION_LINES)
            raise ValueError(f"it has {len(products):,} products; the most is {limits.SUBSCRIPTION_LINES}")
        return SubscriptionDetail(row_of(body), tuple(_product(product) for product in products))


def _external_id(row: Json) -> str | None:
    """Returns the tenant's own id of a customer; one that is somebody's e-mail address is none."""
    code = _code(row, "externalId")
    return None if code is None or "@" in code else code


def _emails(contacts: Json) -> Iterator[Json]:
    """Yields what stands where the contacts' addresses are; a customer has a few contacts (§7.1)."""
    for contact in contacts[:_MOST_CONTACTS] if isinstance(contacts, list) else ():
        yield _object(contact).get("email")


def _object(value: Json) -> dict[str, Json]:
    """Returns an object as it is, and an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def _product(product: Json) -> ProductEntry:
    return ProductEntry(
        product_id=_code(product, "id"),
        mpn=_code(product, "mpn"),
        vendor=_code(product, "vendor"),
        name=_name(product),
        quantity=_quantity(product.get("quantity")),
        unit_price=_money(product.get("unitPrice")),
        unit_cost=_money(product.get("unitCost")),
    )


def _quantity(value: Json) -> Decimal | None:
    """Parses a whole number, a float, or either as a string (§6); a missing quantity is not zero.

    A negative one is no count of seats: its subscription is refused, and keeps its last number.
    """
    return None if value is None or value == "" else _plain(exact_quantity(value))


def _money(value: Json) -> Price | None:
    if not value or value.get("amount") in (None, "") or not value.get("currency"):
        return None
    return Price(
        _plain(exact_number(value["amount"])), checked_currency(cleaned(_text(value["currency"]).upper()))
    )


def _plain(number: Decimal) -> Decimal:
    """Returns the number in one form: `10`, `10.0` and `"10"` are one and the same."""
    return Decimal(plain(number))


def _period(value: Json) -> VendorPeriod | None:
    type_ = str((value or {}).get("type") or "").lower()
    if type_ in _NO_TYPE:
        return None
    duration = exact_number(value.get("duration") or 1)
    if duration % 1 or duration < 1:
        raise ValueError(f"{duration} is no duration of a period")
    period = VendorPeriod(cleaned(type_), int(duration))
    checked_code(str(period))  # so it is written in messages
    return period


def _day(row: Json, name: str) -> date | None:
    """Parses a calendar date without a zone (§6), maybe with a time behind it; an odd one is unset."""
    text = row.get(name)
    try:
        return reckonable_day(date.fromisoformat(text[:10])) if text else None
    except ValueError:
        return None


def _code(row: Json, name: str) -> str | None:
    value = row.get(name)
    return None if value is None or value == "" else checked_code(cleaned(_text(value)))


def _name(row: Json) -> str | None:
    value = row.get("name")
    return None if value is None or value == "" else shortened_name(_text(value))


def _text(value: Json) -> str:
    """Returns a text, or a number that is meant as one (§6); of anything else nobody knows what it means."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise TypeError(f"a {type(value).__name__} is no text")
    return str(value)
