"""Putting a subscription into the marketplace, with the dates that follow from its term."""

from dataclasses import dataclass
from datetime import date, timedelta

from sandbox.ingram.marketplace import MarketplaceState
from sandbox.ingram.records import Offer, OfferLine, OfferPeriod, Quantity, Subscription

DAYS = {"day": 1, "month": 30, "year": 365}


@dataclass(frozen=True, slots=True)
class Sale:
    """Who buys what; a quantity of None makes a subscription without products."""

    customer_id: str
    offer: Offer
    quantity: Quantity | None
    created: date
    status: str = "active"
    currency: str = "USD"
    id: str | None = None
    name: str | None = None


def sell(marketplace: MarketplaceState, sale: Sale, today: date, *, step: int = 1) -> Subscription:
    """Add the subscription and return it; its id is `step` after the last one unless the sale names it."""
    renews = _next_renewal(sale.created, sale.offer.term, today) if sale.status != "pending" else None
    subscription = Subscription(
        id=sale.id or marketplace.new_id(step),
        name=sale.name or sale.offer.name,
        customer_id=sale.customer_id,
        offer=sale.offer,
        created=sale.created,
        modified=sale.created,
        status=sale.status,
        currency=sale.currency,
        renews=renews,
        expires=renews,
        lines=[] if sale.quantity is None else [OfferLine(sale.offer, sale.quantity)],
    )
    marketplace.add(subscription)
    return subscription


def _next_renewal(created: date, term: OfferPeriod, today: date) -> date:
    days = DAYS.get(term.type, 30) * term.duration
    periods = max(0, (today - created).days) // days + 1
    return created + timedelta(days=days * periods)
