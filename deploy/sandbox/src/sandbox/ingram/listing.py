"""Lists of the marketplace: filters, offset and limit, newest first."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, TypeVar

from sandbox.ingram.errors import refused
from sandbox.ingram.marketplace import STATUSES, MarketplaceState
from sandbox.ingram.records import CustomerRecord, Subscription, customer_row, subscription_row

Row = TypeVar("Row")
Query = Mapping[str, str]
DEFAULT_LIMIT = 10


def customers(marketplace: MarketplaceState, query: Query) -> dict[str, Any]:
    found = [one for one in marketplace.newest_customers() if _asked_for(one, query)]
    return _page(found, query, customer_row)


def subscriptions(marketplace: MarketplaceState, query: Query) -> dict[str, Any]:
    """One status or all of them; a comma list is refused, an unknown parameter ignored without a word."""
    status = query.get("status")
    if status is not None and status not in STATUSES:
        raise refused(
            400, f"Failed to convert value '{status}' of parameter 'status': one status is expected"
        )
    found: Sequence[Subscription] = marketplace.newest(status)
    if query.keys() & {"customerId", "creationDateFrom", "creationDateTo"}:
        found = _narrowed(found, query)
    return _page(found, query, subscription_row)


def _asked_for(customer: CustomerRecord, query: Query) -> bool:
    similar = query.get("name", "").casefold() in customer.name.casefold()
    return similar and query.get("externalId", customer.external_id) == customer.external_id


def _narrowed(found: Sequence[Subscription], query: Query) -> list[Subscription]:
    customer_id = query.get("customerId")
    since, until = _day(query, "creationDateFrom", date.min), _day(query, "creationDateTo", date.max)
    return [one for one in found if customer_id in (None, one.customer_id) and since <= one.created <= until]


def _page(found: Sequence[Row], query: Query, shown: Callable[[Row], dict[str, Any]]) -> dict[str, Any]:
    offset = _number(query, "offset", default=0, least=0)
    limit = _number(query, "limit", default=DEFAULT_LIMIT, least=1)
    return {
        "data": [shown(row) for row in found[offset : offset + limit]],
        "pagination": {"offset": offset, "limit": limit, "total": len(found)},
    }


def _number(query: Query, name: str, *, default: int, least: int) -> int:
    text = query.get(name, str(default))
    if not text.isdecimal() or int(text) < least:
        raise refused(400, f"Parameter '{name}' must be a whole number not less than {least}")
    return int(text)


def _day(query: Query, name: str, default: date) -> date:
    text = query.get(name)
    try:
        return date.fromisoformat(text) if text else default
    except ValueError:
        raise refused(400, f"Parameter '{name}' must be a date such as 2019-12-30") from None
