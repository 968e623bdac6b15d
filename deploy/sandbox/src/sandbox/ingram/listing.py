"""Answers the marketplace's list requests: filters, offset and limit, newest first."""

# `total` counts the rows after filtering, and is right on every page, the empty ones past the end included:
#   30 subscriptions, offset=28, limit=10  → 2 rows, {"offset": 28, "limit": 10, "total": 30}
# An unknown parameter is ignored and everything is returned, as the real marketplace does; a reader that
# filters by a parameter which does not exist must notice by itself.

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, TypeVar

from sandbox.ingram.errors import application_refusal
from sandbox.ingram.marketplace import STATUSES, MarketplaceState
from sandbox.ingram.records import CustomerRecord, Subscription, subscription_row

Row = TypeVar("Row")
Query = Mapping[str, str]
DEFAULT_LIMIT = 10


def customers(
    marketplace: MarketplaceState, query: Query, render: Callable[[CustomerRecord], dict[str, Any]]
) -> dict[str, Any]:
    name, external_id = query.get("name", "").casefold(), query.get("externalId")
    matching = [
        customer
        for customer in marketplace.customers_newest_first()
        if name in customer.name.casefold() and external_id in (None, customer.external_id)
    ]
    return _page(matching, query, render)


def subscriptions(marketplace: MarketplaceState, query: Query) -> dict[str, Any]:
    """Answer with one status or all; a comma list raises a 400, an unknown parameter is ignored silently."""
    status = query.get("status")
    if status is not None and status not in STATUSES:
        raise application_refusal(
            400, f"Failed to convert value '{status}' of parameter 'status': one status is expected"
        )
    matching: Sequence[Subscription] = marketplace.subscriptions_newest_first(status)
    # Without a filter the sorted list itself is sliced: a copy for every page would cost more than the page.
    if query.keys() & {"customerId", "creationDateFrom", "creationDateTo"}:
        customer_id = query.get("customerId")
        since, until = _day(query, "creationDateFrom", date.min), _day(query, "creationDateTo", date.max)
        matching = [
            subscription
            for subscription in matching
            if customer_id in (None, subscription.customer_id) and since <= subscription.created <= until
        ]
    return _page(matching, query, subscription_row)


def _page(matching: Sequence[Row], query: Query, render: Callable[[Row], dict[str, Any]]) -> dict[str, Any]:
    offset = _number(query, "offset", default=0, least=0)
    limit = _number(query, "limit", default=DEFAULT_LIMIT, least=1)
    return {
        "data": [render(row) for row in matching[offset : offset + limit]],
        "pagination": {"offset": offset, "limit": limit, "total": len(matching)},
    }


def _number(query: Query, name: str, *, default: int, least: int) -> int:
    text = query.get(name, str(default))
    if not text.isdecimal() or int(text) < least:
        raise application_refusal(400, f"Parameter '{name}' must be a whole number not less than {least}")
    return int(text)


def _day(query: Query, name: str, default: date) -> date:
    text = query.get(name)
    try:
        return date.fromisoformat(text) if text else default
    except ValueError:
        raise application_refusal(400, f"Parameter '{name}' must be a date such as 2019-12-30") from None
