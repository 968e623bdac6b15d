"""Declares what the marketplace stores, and renders it as the API shows it."""

import uuid
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

Json = dict[str, Any]
Quantity = int | float | str
"""The specification says integer; other clients have met floats and numeric strings."""


@dataclass(frozen=True, slots=True)
class OfferPeriod:
    """A commitment or an invoice cadence, such as one year."""

    type: str
    duration: int

    def to_json(self) -> Json:
        return {"type": self.type, "duration": self.duration}

    def __str__(self) -> str:
        return f"{self.duration} {self.type}"


@dataclass(frozen=True, slots=True)
class Offer:
    """Something on sale; an offer without `mpn` leaves the detail of its subscriptions without products."""

    name: str
    vendor: str
    mpn: str | None
    term: OfferPeriod
    billing: OfferPeriod
    price: Decimal
    cost: Decimal
    product_id: str
    plan_id: int


@dataclass(slots=True)
class OfferLine:
    """One product of a subscription."""

    offer: Offer
    quantity: Quantity


@dataclass(frozen=True, slots=True)
class CustomerDetails:
    """Where a customer is, and who speaks for it: personal data that a reader must not store."""

    street: str
    city: str
    postal_code: str
    country_code: str
    tax_reg_id: str | None
    email: str


@dataclass(slots=True)
class CustomerRecord:
    """A customer of the reseller: the vendor's account."""

    id: str
    name: str
    external_id: str | None
    details: CustomerDetails
    status: str = "active"
    reseller_id: str = "1000001"


@dataclass(slots=True)
class Subscription:
    """What a customer bought; its products are only in the detail."""

    id: str
    name: str
    customer_id: str
    offer: Offer
    created: date
    modified: date
    status: str = "active"
    currency: str = "USD"
    renews: date | None = None
    expires: date | None = None
    auto_renew: bool = True
    lines: list[OfferLine] = field(default_factory=list)


def customer_row(customer: CustomerRecord, *, names_reseller: bool = True) -> Json:
    """Render a customer for lists and details; what is not known is left out."""
    details = customer.details
    row: Json = {
        "id": customer.id,
        "name": customer.name,
        "status": customer.status,
        "language": "en_US",
        "attributes": {},
        "address": {
            "streetAddress": details.street,
            "postalCode": details.postal_code,
            "city": details.city,
            "countryCode": details.country_code,
        },
        "contactPersons": [_contact(customer)],
    }
    row |= {"taxRegId": details.tax_reg_id} if details.tax_reg_id else {}
    row |= {"resellerId": customer.reseller_id} if names_reseller else {}
    return row | ({"externalId": customer.external_id} if customer.external_id else {})


def subscription_row(subscription: Subscription) -> Json:
    """Render a subscription for lists: no products, no quantity, no price; unset dates are left out."""
    row: Json = {
        "id": subscription.id,
        "name": subscription.name,
        "customerId": subscription.customer_id,
        "status": subscription.status,
        "attributes": {},
        "renewalStatus": subscription.auto_renew,
        "creationDate": subscription.created.isoformat(),
        "lastModifiedDate": subscription.modified.isoformat(),
        "billingModel": "chargeBeforeBillingPeriod",
        "billingPeriod": subscription.offer.billing.to_json(),
        "subscriptionPeriod": subscription.offer.term.to_json(),
    }
    dates = {"renewalDate": subscription.renews, "expirationDate": subscription.expires}
    return row | {name: day.isoformat() for name, day in dates.items() if day is not None}


def subscription_detail(subscription: Subscription) -> Json:
    """Render a subscription's detail; one without products has no `products` at all."""
    row = subscription_row(subscription) | {"planId": subscription.offer.plan_id}
    row["orderParameters"] = [
        {"name": "microsoft_domain", "value": f"c{subscription.customer_id}.onmicrosoft.com"}
    ]
    row["fulfillmentParameters"] = [{"name": "ms_customer_id", "value": _vendor_id(subscription.customer_id)}]
    if not subscription.lines:
        return row
    total = sum((_extended(line) for line in subscription.lines), Decimal(0))
    # A year that is invoiced monthly costs twelve times what one invoice says.
    invoices = max(1, _months(subscription.offer.term) // _months(subscription.offer.billing))
    return row | {
        "totalPrice": money(total, subscription.currency),
        "totalSubscriptionPrice": money(total * invoices, subscription.currency),
        "products": [_product(line, subscription) for line in subscription.lines],
    }


def money(amount: Decimal, currency: str) -> Json:
    """Render an amount of money: a decimal string with at least one decimal place."""
    plain = f"{amount.normalize():f}"
    return {"currency": currency, "amount": plain if "." in plain else f"{plain}.0"}


def _product(line: OfferLine, subscription: Subscription) -> Json:
    return {
        "mpn": line.offer.mpn or "",
        "vendor": line.offer.vendor,
        "id": line.offer.product_id,
        "name": line.offer.name,
        "quantity": line.quantity,
        "unitPrice": money(line.offer.price, subscription.currency),
        "unitCost": money(line.offer.cost, subscription.currency),
        "extendedPrice": money(_extended(line), subscription.currency),
        "vendorSubscriptionId": _vendor_id(subscription.id),
    }


def _extended(line: OfferLine) -> Decimal:
    return Decimal(str(line.quantity)) * line.offer.price


def _months(period: OfferPeriod) -> int:
    return {"month": 1, "year": 12}.get(period.type, 1) * period.duration


def _vendor_id(text: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"vendor:{text}"))


def _contact(customer: CustomerRecord) -> Json:
    return {
        "type": "admin",
        "firstName": "Robin",
        "lastName": "Reyes",
        "email": customer.details.email,
        "phoneNumber": "1##5125550100#",
    }
