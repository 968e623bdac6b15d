"""Which fields each resource has for conditions and ordering, and of which kind."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

Record = dict[str, Any]


class Kind(Enum):
    """What a field holds; a condition compares it with a literal of the same kind only."""

    NUMBER = auto()
    STRING = auto()
    BOOLEAN = auto()
    DATE = auto()
    REFERENCE = auto()
    """Another record: it can be compared with null, its members with values."""


@dataclass(frozen=True, eq=False, slots=True)
class Resource:
    """A kind of record with the fields that can be asked for."""

    name: str
    fields: Mapping[str, Kind]


def value_at(record: Mapping[str, Any], path: str) -> Any:
    """The value at `company/id`; None where the record has nothing there."""
    value: Any = record
    for step in path.split("/"):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _all(kind: Kind, *names: str) -> dict[str, Kind]:
    return dict.fromkeys(names, kind)


def _reference(name: str, *texts: str) -> dict[str, Kind]:
    members = _all(Kind.STRING, *(f"{name}/{text}" for text in texts))
    return {name: Kind.REFERENCE, f"{name}/id": Kind.NUMBER} | members


_COMMON = _all(Kind.NUMBER, "id") | _all(Kind.DATE, "lastUpdated", "_info/lastUpdated")

COMPANY = Resource(
    "company",
    _COMMON
    | _all(Kind.STRING, "identifier", "name")
    | _all(Kind.BOOLEAN, "deletedFlag")
    | _reference("status", "name"),
)
PRODUCT = Resource(
    "catalogItem",
    _COMMON
    | _all(Kind.STRING, "identifier", "description", "customerDescription", "productClass")
    | _all(Kind.BOOLEAN, "inactiveFlag", "recurringFlag", "taxableFlag")
    | _all(Kind.NUMBER, "price", "cost")
    | _reference("type", "name")
    | _reference("subcategory", "name")
    | _reference("unitOfMeasure", "name"),
)
AGREEMENT = Resource(
    "agreement",
    _COMMON
    | _all(Kind.STRING, "name", "agreementStatus", "nextInvoiceDate", "periodType")
    | _all(Kind.BOOLEAN, "cancelledFlag", "noEndingDateFlag", "prorateFlag")
    | _all(Kind.DATE, "startDate", "endDate", "dateCancelled")
    | _reference("type", "name")
    | _reference("company", "identifier", "name")
    | _reference("parentAgreement", "name")
    | _reference("currency", "currencyCode", "name")
    | _reference("billingCycle", "name"),
)
ADDITION = Resource(
    "addition",
    _COMMON
    | _all(
        Kind.STRING,
        "billCustomer",
        "description",
        "invoiceDescription",
        "serialNumber",
        "uom",
        "agreementStatus",
    )
    | _all(Kind.NUMBER, "quantity", "lessIncluded", "unitPrice", "unitCost", "agreementId", "billedQuantity")
    | _all(Kind.NUMBER, "extPrice", "extCost", "sequenceNumber", "margin")
    | _all(Kind.DATE, "effectiveDate", "cancelledDate")
    | _all(Kind.BOOLEAN, "taxableFlag", "prorateCurrentPeriodFlag", "purchaseItemFlag", "specialOrderFlag")
    | _reference("product", "identifier"),
)
