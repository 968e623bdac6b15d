"""ConnectWise's rows as our models: the only place with its field names; pure.

Unset dates are left out, `null` or an empty string; numbers are doubles, made exact through their text.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from psa_sync.psa import Agreement, CatalogueItem, Company, PsaLine
from shared.errors import UnexpectedResponse

Row = Mapping[str, Any]

_SWITCHED_OFF = ("Cancelled", "Inactive")
"""Statuses under which nothing is billed whatever the dates say (psa-apis, open line)."""


def company(row: Row) -> Company:
    with _parsing("company", row):
        present = not row.get("deletedFlag")
        return Company(_id(row), _text(row["identifier"]), _text(row["name"]), present)


def product(row: Row) -> CatalogueItem:
    """The identifier is what the screens call *Product ID*."""
    with _parsing("catalogue item", row):
        active = not row.get("inactiveFlag")
        return CatalogueItem(_id(row), _text(row["identifier"]), _text(row["description"]), active)


def agreement(row: Row) -> Agreement:
    """`cancelledFlag` may be set ahead of its date, so the flag alone counts only when there is no date."""
    with _parsing("agreement", row):
        cancelled_on = _day(row.get("dateCancelled"))
        return Agreement(
            agreement_id=_id(row),
            name=_text(row["name"]),
            company_id=_id(row["company"]),
            cancelled=row.get("agreementStatus") in _SWITCHED_OFF
            or bool(row.get("cancelledFlag") and not cancelled_on),
            starts_on=_day(row.get("startDate")),
            ends_on=min((day for day in (_day_after_end(row), cancelled_on) if day), default=None),
            currency=_currency(row),
        )


def line(row: Row, of: Agreement) -> PsaLine:
    """An addition of the agreement; `cancelledDate` is the first day on which it is not billed."""
    with _parsing("addition", row):
        return PsaLine(
            line_id=_id(row),
            agreement=of,
            product_id=_id(row["product"]),
            quantity=number(row.get("quantity")),
            included=number(row.get("lessIncluded")),
            unit_price=number(row.get("unitPrice")),
            unit_cost=number(row.get("unitCost")),
            charged=row["billCustomer"] == "Billable",
            from_day=_day(row.get("effectiveDate")),
            until_day=_day(row.get("cancelledDate")),
        )


def number(value: Any) -> Decimal | None:
    """10.0 and 10 are the same number; a missing one is not zero."""
    return None if value is None else Decimal(str(value))


@contextmanager
def _parsing(noun: str, row: Row) -> Iterator[None]:
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, InvalidOperation) as error:
        name = row.get("id", "without id") if isinstance(row, Mapping) else "that is no object"
        raise UnexpectedResponse(f"ConnectWise {noun} {name} cannot be read: {error!r}") from error


def _id(row: Row) -> str:
    return str(int(row["id"]))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _currency(row: Row) -> str | None:
    """The code is newer than the reference; older answers name the currency only."""
    currency = row.get("currency") or {}
    return currency.get("currencyCode") or currency.get("name") or None


def _day_after_end(row: Row) -> date | None:
    """`endDate` is the last day that an agreement runs, so the day after is the first unbilled one."""
    last = None if row.get("noEndingDateFlag") else _day(row.get("endDate"))
    return last + timedelta(days=1) if last else None


def _day(value: Any) -> date | None:
    """Midnight UTC is used as a date: the UTC day is what was meant."""
    if not value:
        return None
    moment = datetime.fromisoformat(value)
    return (moment.astimezone(UTC) if moment.tzinfo else moment).date()
