"""Sells subscriptions: puts them into the marketplace with the dates that follow from their terms."""

from dataclasses import dataclass
from datetime import date, timedelta

from sandbox.ingram.marketplace import MarketplaceState
from sandbox.ingram.records import Offer, OfferLine, Quantity, Subscription

PERIOD_DAYS = {"day": 1, "month": 30, "year": 365}


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
    renews = None
    if sale.status != "pending":  # a pending subscription has not begun its first period
        period_days = PERIOD_DAYS.get(sale.offer.term.type, 30) * sale.offer.term.duration
        periods = max(0, (today - sale.created).days) // period_days + 1
        renews = sale.created + timedelta(days=period_days * periods)
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
