"""Parses ConnectWise's rows into our models; pure, and the only place that knows its field names.

An unset date is left out, `null` or an empty string; numbers are doubles, made exact through their text
(ConnectWise §2.5). Raises `UnexpectedResponse` for a row in another shape, or with an id, a code or a number
larger than our limits (`shared.contracts.fields`); a name that is too long is shortened. Characters that
cannot be shown are replaced (`shared.plain_text`). Evidence, which decides nothing, makes no row unreadable:
what of it cannot be read is left out (`shared.evidence`).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from psa_sync.psa import Agreement, CatalogueItem, Company, LastUpdate, PsaLine, UnreadableRow
from shared.contracts.fields import (
    checked_code,
    checked_currency,
    checked_id,
    shortened_name,
    shortened_sentence,
)
from shared.contracts.provider_values import (
    end_day,
    exact_number,
    exact_quantity,
    flag,
    reckonable_day,
    whole_number,
)
from shared.errors import UnexpectedResponse
from shared.evidence.countries import country_code
from shared.evidence.domains import domains_of
from shared.evidence.texts import description_of, postcode_of, tax_id_of, text_of, town_of
from shared.limits.messages import EVIDENCE_ITEMS
from shared.plain_text import cleaned

Row = Mapping[str, Any]

_UNREADABLE = (
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
    ArithmeticError,  # a day in UTC that the calendar does not have, among them
    RecursionError,
)
_SWITCHED_OFF = ("Cancelled", "Inactive")
"""Statuses under which nothing is billed whatever the dates say (psa-apis, open line)."""


def company(row: Row) -> Company:
    """Parses a company; of its address, contacts and telephone numbers only the place is kept."""
    with _parsing("company", row):
        return Company(
            company_id=_id(row),
            key=_code(row["identifier"]),
            name=_name(row["name"]),
            present=not flag(row.get("deletedFlag")),
            tax_id=tax_id_of(row.get("taxIdentifier")),
            domains=domains_of([row.get("website")]),
            town=town_of(row.get("city")),
            postcode=postcode_of(row.get("zip")),
            country=_country(row.get("country")),
            status=_reference_name(row.get("status")),
            types=_reference_names(row.get("types")),
        )


def company_with_status(row: Row) -> tuple[Company, int | None]:
    """Parses a company and the id of its status; a status that cannot be understood says nothing."""
    status = row.get("status") if isinstance(row, Mapping) else None
    status_id = status.get("id") if isinstance(status, Mapping) else None
    is_id = isinstance(status_id, int) and not isinstance(status_id, bool)
    return company(row), status_id if is_id else None


def company_status(row: Row) -> tuple[int, bool]:
    """Parses the id of a company status, and whether companies that have it are inactive."""
    with _parsing("company status", row):
        return int(row["id"]), row.get("inactiveFlag") is True


def product(row: Row) -> CatalogueItem:
    """Parses a catalogue item; its identifier is what the screens call *Product ID*."""
    with _parsing("catalogue item", row):
        name = _name(row["description"])
        description = description_of(row.get("customerDescription"))
        return CatalogueItem(
            product_id=_id(row),
            key=_code(row["identifier"]),
            name=name,
            active=not flag(row.get("inactiveFlag")),
            # Nearly every item's repeats its name: that is no more to compare by, and twice to store.
            description=None if description == name else description,
            manufacturer_part_number=text_of(row.get("manufacturerPartNumber")),
            vendor=_reference_name(row.get("manufacturer")) or _reference_name(row.get("vendor")),
            category=_reference_name(row.get("category")),
            product_class=text_of(row.get("productClass")),
        )


def agreement(row: Row) -> Agreement:
    """Parses an agreement; `cancelledFlag` may be set ahead of its date, and counts only without one."""
    with _parsing("agreement", row):
        cancelled_on = _day(row.get("dateCancelled"))
        return Agreement(
            agreement_id=_id(row),
            name=_name(row["name"]),
            company_id=_id(row["company"]),
            cancelled=row.get("agreementStatus") in _SWITCHED_OFF
            or (flag(row.get("cancelledFlag")) and not cancelled_on),
            starts_on=_day(row.get("startDate")),
            ends_on=min((day for day in (_day_after_end(row), end_day(cancelled_on)) if day), default=None),
            currency=_currency(row),
        )


def line(row: Row, parent: Agreement) -> PsaLine:
    """Parses an addition of its agreement; its `cancelledDate` is the first day on which it is not billed."""
    with _parsing("addition", row):
        return PsaLine(
            line_id=_id(row),
            agreement=parent,
            product_id=_id(row["product"]),
            quantity=_quantity(row),
            included=number(row.get("lessIncluded")),
            unit_price=number(row.get("unitPrice")),
            unit_cost=number(row.get("unitCost")),
            charged=_text(row["billCustomer"]) == "Billable",
            from_day=_day(row.get("effectiveDate")),
            until_day=end_day(_day(row.get("cancelledDate"))),
            last_update=last_update(row),
        )


def unreadable(row: Any, reason: str) -> UnreadableRow:
    """Names a row that cannot be parsed, as far as its ids can be."""
    company_row, product_row = (
        (row.get("company"), row.get("product")) if isinstance(row, Mapping) else (None, None)
    )
    return UnreadableRow(_readable_id(row), reason, _readable_id(company_row), _readable_id(product_row))


def written_quantity(row: Row) -> Decimal | None:
    """Parses the quantity of an addition that was just changed; None when the answer does not say it."""
    with _parsing("addition", row):
        return _quantity(row)


def last_update(row: Row) -> LastUpdate | None:
    """Parses the stamp of a record's last change; whether additions have one is unknown (psa-apis §8, 2).

    Nothing is billed by it, so one that cannot be read is none.
    """
    info = row.get("_info")
    stamp = info if isinstance(info, Mapping) else {}
    at, by = stamp.get("lastUpdated"), stamp.get("updatedBy")
    try:
        moment = datetime.fromisoformat(at if isinstance(at, str) else "")
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # no moment, or none that the calendar has in UTC
        return None
    return LastUpdate(moment, shortened_name(by) if isinstance(by, str) else None)


def number(value: Any) -> Decimal | None:
    """Returns the exact number; a missing one is not zero."""
    return None if value is None else exact_number(value)


def _quantity(row: Row) -> Decimal | None:
    """Returns the quantity; a negative one, a credit, is none that could be compared or overwritten."""
    value = row.get("quantity")
    return None if value is None else exact_quantity(value)


@contextmanager
def _parsing(noun: str, row: Row) -> Iterator[None]:
    try:
        yield
    except _UNREADABLE as error:
        name = str(row.get("id", "without id"))[:40] if isinstance(row, Mapping) else "that is no object"
        sentence = f"ConnectWise {noun} {name} cannot be read: {error!r}"
        raise UnexpectedResponse(shortened_sentence(sentence)) from error


def _id(row: Row) -> str:
    return checked_id(str(whole_number(row["id"])))


def _readable_id(row: Any) -> str:
    try:
        return _id(row)
    except _UNREADABLE:
        return ""


def _reference_name(value: Any) -> str | None:
    """Returns the name of a reference to another record, as far as it can be read: mere evidence."""
    return text_of(value.get("name")) if isinstance(value, Mapping) else None


def _reference_names(value: Any) -> tuple[str, ...]:
    """Returns the names of references, sorted: in another order the same ones would be news."""
    names = {_reference_name(reference) for reference in value} if isinstance(value, list) else set()
    return tuple(sorted(name for name in names if name)[: EVIDENCE_ITEMS.most])


def _country(value: Any) -> str | None:
    """Returns the code of a country: a tenant names its countries itself, and may give them codes."""
    country = value if isinstance(value, Mapping) else {}
    return country_code(country.get("identifier")) or country_code(country.get("name"))


def _code(value: Any) -> str:
    return checked_code(cleaned(_text(value)))


def _name(value: Any) -> str:
    return shortened_name(_text(value))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a {type(value).__name__} is no text")
    return value


def _currency(row: Row) -> str | None:
    # The code is newer than the reference; older answers have a name only.
    currency = row.get("currency") or {}
    code = currency.get("currencyCode") or currency.get("name")
    return checked_currency(cleaned(_text(code))) if code else None


def _day_after_end(row: Row) -> date | None:
    """Returns the first day that is not billed: `endDate` is the last day on which the agreement runs."""
    last = None if flag(row.get("noEndingDateFlag")) else end_day(_day(row.get("endDate")))
    return last + timedelta(days=1) if last else None


def _day(value: Any) -> date | None:
    """Returns the day that was meant: dates are written as midnight UTC."""
    if not value:
        return None
    moment = datetime.fromisoformat(value)
    return reckonable_day((moment.astimezone(UTC) if moment.tzinfo else moment).date())
