"""Builds the PSA's records as its API shows them: unset fields are left out, amounts are floats (`10.0`)."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sandbox.connectwise.fields import Record

CURRENCY = {"id": 1, "symbol": "$", "currencyCode": "USD", "name": "US Dollars"}
SEEDER = "jsmith"
COMPANY_STATUSES: tuple[Record, ...] = (
    {"id": 1, "name": "Active", "defaultFlag": True, "inactiveFlag": False},
    {"id": 2, "name": "Inactive", "defaultFlag": False, "inactiveFlag": True},
)
"""The names are the tenant's own; the flags say what they mean."""


def to_midnight(day: date) -> str:
    """Return a day as ConnectWise writes it: a date-time at midnight, UTC."""
    return f"{day.isoformat()}T00:00:00Z"


def info(day: date) -> dict[str, str]:
    return {"lastUpdated": f"{day.isoformat()}T10:11:12Z", "updatedBy": SEEDER}


@dataclass(frozen=True, slots=True)
class CompanyDetails:
    """What the PSA's own people typed about a company; None is a field that they left empty."""

    street: str
    city: str
    postcode: str
    country: str | None
    website: str | None
    tax_identifier: str | None


def company(
    company_id: int, name: str, *, identifier: str, deleted: bool, updated: date, details: CompanyDetails
) -> Record:
    texts = {
        "addressLine1": details.street,
        "city": details.city,
        "zip": details.postcode,
        "phoneNumber": "5125550100",
        "website": details.website,
        "taxIdentifier": details.tax_identifier,
    }
    country = {"country": {"id": 1, "name": details.country}} if details.country else {}
    return {
        "id": company_id,
        # The field limits of the REST schema.
        "identifier": identifier[:30],
        "name": name[:50],
        "status": {"id": 2, "name": "Inactive"} if deleted else {"id": 1, "name": "Active"},
        "types": [{"id": 1, "name": "Client"}],
        "deletedFlag": deleted,
        "defaultContact": {"id": company_id + 1, "name": "Robin Reyes"},
        **{field: text for field, text in texts.items() if text is not None},
        **country,
        "_info": info(updated),
    }


@dataclass(frozen=True, slots=True)
class ProductOrigin:
    """Who makes a product, and under which number, as far as the PSA's people typed it in."""

    manufacturer: str | None = None
    part_number: str | None = None
    description: str | None = None
    """What a customer is told; the product's name where nobody wrote more."""


NO_ORIGIN = ProductOrigin()


def product(
    product_id: int,
    key: str,
    name: str,
    *,
    amounts: tuple[float, float],
    updated: date,
    origin: ProductOrigin = NO_ORIGIN,
) -> Record:
    """Return a catalogue item; `amounts` are its price and cost."""
    made: Record = {"manufacturer": {"id": 5, "name": origin.manufacturer}} if origin.manufacturer else {}
    made |= {"manufacturerPartNumber": origin.part_number} if origin.part_number else {}
    return {
        "id": product_id,
        "identifier": key,
        "description": name,
        "customerDescription": origin.description or name,
        "inactiveFlag": False,
        "productClass": "Service",
        "type": {"id": 3, "name": "Cloud"},
        "category": {"id": 2, "name": "Software"},
        "subcategory": {"id": 7, "name": "Subscriptions"},
        **made,
        "unitOfMeasure": {"id": 1, "name": "Each"},
        "recurringFlag": True,
        "taxableFlag": True,
        "price": amounts[0],
        "cost": amounts[1],
        "_info": info(updated),
    }


def agreement(agreement_id: int, name: str, company: Record, *, starts: date, ends: date | None) -> Record:
    """Return an agreement; one with an end has expired already."""
    record: dict[str, Any] = {
        "id": agreement_id,
        "name": name,
        "type": {"id": 1, "name": "Managed Services"},
        "company": {name: company[name] for name in ("id", "identifier", "name")},
        "contact": {"id": company["id"] + 1, "name": "Robin Reyes"},
        "startDate": to_midnight(starts),
        "noEndingDateFlag": ends is None,
        "cancelledFlag": False,
        "agreementStatus": "Active" if ends is None else "Expired",
        "billingCycle": {"id": 2, "name": "Monthly"},
        "prorateFlag": True,
        "periodType": "Current",
        "currency": CURRENCY,
        "_info": info(starts),
    }
    return record | ({} if ends is None else {"endDate": to_midnight(ends)})


@dataclass(frozen=True, slots=True)
class AgreementBilling:
    """How an agreement line bills a product."""

    product: Record
    quantity: float
    starts: date
    cancelled: date | None = None
    included: float = 0.0
    customer: str = "Billable"


def addition(
    addition_id: int, agreement_id: int, billing: AgreementBilling, *, sequence: int, updated: date
) -> Record:
    """Return an agreement line as it is stored; `psa.render_addition` adds what the server computes."""
    record: Record = {
        "id": addition_id,
        "product": {"id": billing.product["id"], "identifier": billing.product["identifier"]},
        "quantity": billing.quantity,
        "lessIncluded": billing.included,
        "unitPrice": billing.product["price"],
        "unitCost": billing.product["cost"],
        "billCustomer": billing.customer,
        "effectiveDate": to_midnight(billing.starts),
        "taxableFlag": True,
        "invoiceDescription": billing.product["description"],
        "agreementId": agreement_id,
        "sequenceNumber": float(sequence),
        "prorateCurrentPeriodFlag": False,
        "_info": info(updated),
    }
    return record | ({} if billing.cancelled is None else {"cancelledDate": to_midnight(billing.cancelled)})
