"""Declares which fields each resource has for conditions and ordering, and of which kind each field is."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

Record = dict[str, Any]


class FieldKind(Enum):
    """What a field holds; a condition compares it with a literal of the same kind only."""

    NUMBER = auto()
    STRING = auto()
    BOOLEAN = auto()
    DATE = auto()
    REFERENCE = auto()
    """Another record: it can be compared with null, its members with values."""


@dataclass(frozen=True, eq=False, slots=True)
class Resource:
    """A kind of record with the fields that conditions and `orderBy` may name."""

    name: str
    fields: Mapping[str, FieldKind]


def value_at(record: Mapping[str, Any], path: str) -> Any:
    """Return the value at a path such as `company/id`; None where the record has nothing there."""
    value: Any = record
    for step in path.split("/"):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _fields(kind: FieldKind, *names: str) -> dict[str, FieldKind]:
    return dict.fromkeys(names, kind)


def _reference(name: str, *texts: str) -> dict[str, FieldKind]:
    members = _fields(FieldKind.STRING, *(f"{name}/{text}" for text in texts))
    return {name: FieldKind.REFERENCE, f"{name}/id": FieldKind.NUMBER} | members


# `lastUpdated` is the documented name, `_info/lastUpdated` the place in the record: clients use both.
_COMMON = _fields(FieldKind.NUMBER, "id") | _fields(FieldKind.DATE, "lastUpdated", "_info/lastUpdated")

COMPANY = Resource(
    "company",
    _COMMON
    | _fields(FieldKind.STRING, "identifier", "name", "website", "taxIdentifier", "phoneNumber")
    | _fields(FieldKind.STRING, "addressLine1", "city", "zip")
    | _fields(FieldKind.BOOLEAN, "deletedFlag")
    | _reference("status", "name")
    | _reference("country", "name")
    | _reference("defaultContact", "name"),
)
COMPANY_STATUS = Resource(
    "companyStatus",
    _fields(FieldKind.NUMBER, "id")
    | _fields(FieldKind.STRING, "name")
    | _fields(FieldKind.BOOLEAN, "defaultFlag", "inactiveFlag"),
)
PRODUCT = Resource(
    "catalogItem",
    _COMMON
    | _fields(FieldKind.STRING, "identifier", "description", "customerDescription", "productClass")
    | _fields(FieldKind.STRING, "manufacturerPartNumber")
    | _reference("manufacturer", "name")
    | _reference("category", "name")
    | _fields(FieldKind.BOOLEAN, "inactiveFlag", "recurringFlag", "taxableFlag")
    | _fields(FieldKind.NUMBER, "price", "cost")
    | _reference("type", "name")
    | _reference("subcategory", "name")
    | _reference("unitOfMeasure", "name"),
)
AGREEMENT = Resource(
    "agreement",
    _COMMON
    | _fields(FieldKind.STRING, "name", "agreementStatus", "nextInvoiceDate", "periodType")
    | _fields(FieldKind.BOOLEAN, "cancelledFlag", "noEndingDateFlag", "prorateFlag")
    | _fields(FieldKind.DATE, "startDate", "endDate", "dateCancelled")
    | _reference("type", "name")
    | _reference("company", "identifier", "name")
    | _reference("parentAgreement", "name")
    | _reference("currency", "currencyCode", "name")
    | _reference("billingCycle", "name"),
)
ADDITION = Resource(
    "addition",
    _COMMON
    | _fields(
        FieldKind.STRING,
        "billCustomer",
        "description",
        "invoiceDescription",
        "serialNumber",
        "uom",
        "agreementStatus",
    )
    | _fields(
        FieldKind.NUMBER, "quantity", "lessIncluded", "unitPrice", "unitCost", "agreementId", "billedQuantity"
    )
    | _fields(FieldKind.NUMBER, "extPrice", "extCost", "sequenceNumber", "margin")
    | _fields(FieldKind.DATE, "effectiveDate", "cancelledDate")
    | _fields(
        FieldKind.BOOLEAN, "taxableFlag", "prorateCurrentPeriodFlag", "purchaseItemFlag", "specialOrderFlag"
    )
    | _reference("product", "identifier"),
)
