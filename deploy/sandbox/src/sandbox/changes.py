"""Applies changes that somebody else makes at the vendor, or by hand in the PSA: they are no API writes."""

# All or nothing: every id and value is checked before the first change is made, so a refused request leaves
# both providers as they were.  The order below is therefore fixed: parse the edits, look up every
# subscription, and only then store.  `{"subscriptions": [known], "additions": [unknown]}` changes nothing.
#
# No change appears in the journal: the journal proves what the product wrote, and a colleague's edit in the
# PSA's own window is not one of the product's writes.

from datetime import date
from decimal import Decimal
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from sandbox.connectwise import patch
from sandbox.connectwise.errors import not_found
from sandbox.connectwise.fields import ADDITION, Record
from sandbox.connectwise.psa import PsaState
from sandbox.ingram.errors import application_refusal
from sandbox.ingram.marketplace import MarketplaceState
from sandbox.ingram.records import Offer, OfferLine, OfferPeriod, Quantity, Subscription
from sandbox.ingram.sale import Sale, sell

PSA_USER = "jsmith"
Status = Literal["pending", "active", "hold", "terminated", "removed", "unknown"]


class _RequestModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Term(_RequestModel):
    """A period as the marketplace writes it."""

    type: Literal["day", "month", "year", "statement_day", "unknown"] = "month"
    duration: int = 1


class _SubscriptionValues(_RequestModel):
    """Values by the provider's own names, as `customerId`."""

    model_config = ConfigDict(alias_generator=to_camel)


class SubscriptionChange(_SubscriptionValues):
    """New values of a subscription; `quantity: null` takes its products away."""

    id: str
    quantity: Quantity | None = None
    status: Status | None = None
    customer_id: str | None = None
    name: str | None = None
    last_modified_date: date | None = None
    """Today by default: whether the real date moves with every change is not documented."""


class NewSubscription(_SubscriptionValues):
    """A subscription to add; without `quantity` it has no products."""

    customer_id: str
    id: str | None = None
    name: str = "Microsoft 365 Business Basic"
    vendor: str = "Microsoft"
    mpn: str = "CFQ7TTC0LH18:0001_P1Y_M"
    quantity: Quantity | None = None
    status: Status = "active"
    currency: str = "USD"
    subscription_period: Term = Term(type="year")
    billing_period: Term = Term()
    unit_price: Decimal = Decimal("6.0")
    unit_cost: Decimal = Decimal("5.0")
    creation_date: date | None = None


class AdditionChange(BaseModel):
    """New values of an agreement line, named as PATCH names them; null unsets a field."""

    model_config = ConfigDict(frozen=True, extra="allow")

    id: int

    @property
    def fields(self) -> dict[str, Any]:
        return self.model_extra or {}


class Changes(_RequestModel):
    """Changes to both sides, applied together or not at all."""

    subscriptions: list[SubscriptionChange] = []
    additions: list[AdditionChange] = []
    remove_subscriptions: list[str] = []
    add_subscriptions: list[NewSubscription] = []


def apply(changes: Changes, marketplace: MarketplaceState, psa: PsaState, today: date) -> list[str]:
    """Apply the changes and return the ids of the new subscriptions.

    Raises the provider's own refusal (`ConnectWiseRefusal`, `IngramRefusal`) for an unknown id or bad value.
    """
    edits = [_parse_edit(psa, change) for change in changes.additions]
    for subscription_id in [*changes.remove_subscriptions, *(change.id for change in changes.subscriptions)]:
        _find_subscription(marketplace, subscription_id)
    for row, fields in edits:
        psa.store(row, psa.with_changes(row, fields, PSA_USER))
    for change in changes.subscriptions:
        _change_subscription(_find_subscription(marketplace, change.id), change, today)
    for subscription_id in changes.remove_subscriptions:
        marketplace.remove(subscription_id)
    marketplace.invalidate_lists()
    return [sell(marketplace, _sale(new, today), today).id for new in changes.add_subscriptions]


def _parse_edit(psa: PsaState, change: AdditionChange) -> tuple[Record, Record]:
    """Return the agreement line and its new values, checked as a PATCH would check them."""
    row = psa.additions.get(change.id)
    if row is None:
        raise not_found(ADDITION.name, str(change.id))
    fields = {name: patch.parse_value(name, value) for name, value in change.fields.items()}
    if "product" in fields:
        psa.find_product(fields)
    return row, fields


def _find_subscription(marketplace: MarketplaceState, subscription_id: str) -> Subscription:
    if subscription_id not in marketplace.subscriptions:
        raise application_refusal(
            400, f"No entity has been found by the specified identifier {subscription_id}"
        )
    return marketplace.subscriptions[subscription_id]


def _change_subscription(subscription: Subscription, change: SubscriptionChange, today: date) -> None:
    # `quantity` absent and `quantity: null` differ: the former leaves the products alone.
    if "quantity" in change.model_fields_set:
        subscription.lines = (
            []
            if change.quantity is None
            else [OfferLine(subscription.offer, change.quantity), *subscription.lines[1:]]
        )
    subscription.status = change.status or subscription.status
    subscription.customer_id = change.customer_id or subscription.customer_id
    subscription.name = change.name or subscription.name
    subscription.modified = change.last_modified_date or today


def _sale(new: NewSubscription, today: date) -> Sale:
    offer = Offer(
        name=new.name,
        vendor=new.vendor,
        mpn=new.mpn,
        term=OfferPeriod(**new.subscription_period.model_dump()),
        billing=OfferPeriod(**new.billing_period.model_dump()),
        price=new.unit_price,
        cost=new.unit_cost,
        product_id=f"PRD-{new.mpn}",
        plan_id=30_000,
    )
    created = new.creation_date or today
    return Sale(new.customer_id, offer, new.quantity, created, new.status, new.currency, id=new.id)
