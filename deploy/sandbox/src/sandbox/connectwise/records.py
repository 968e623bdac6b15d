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


def company(company_id: int, name: str, *, identifier: str, deleted: bool, updated: date) -> Record:
    return {
        "id": company_id,
        # The field limits of the REST schema.
        "identifier": identifier[:30],
        "name": name[:50],
        "status": {"id": 2, "name": "Inactive"} if deleted else {"id": 1, "name": "Active"},
        "types": [{"id": 1, "name": "Client"}],
        "deletedFlag": deleted,
        "_info": info(updated),
    }


def product(product_id: int, key: str, name: str, *, amounts: tuple[float, float], updated: date) -> Record:
    """Return a catalogue item; `amounts` are its price and cost."""
    return {
        "id": product_id,
        "identifier": key,
        "description": name,
        "customerDescription": name,
        "inactiveFlag": False,
        "productClass": "Service",
        "type": {"id": 3, "name": "Cloud"},
        "subcategory": {"id": 7, "name": "Subscriptions"},
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
