"""Holds the marketplace's state: customers, subscriptions and the tokens that were issued."""

# Lists are sorted once for each status and kept until something changes: a reader of 5,000 subscriptions
# asks for ten pages of one and the same list.  Whoever changes a subscription calls `invalidate_lists`.
# Newest first means by creation day, then by id as a number: ids of one day are 9 < 10 although "9" > "10".

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sandbox.ingram.records import CustomerRecord, Subscription

STATUSES = ("pending", "active", "hold", "terminated", "removed", "unknown")


@dataclass(slots=True)
class Tokens:
    """Bearer tokens with their ends; issuing a new one leaves the older ones valid."""

    lifetime: timedelta
    _ends: dict[str, datetime] = field(default_factory=dict)

    def issue(self, now: datetime) -> str:
        self._ends = {token: end for token, end in self._ends.items() if end > now}
        token = f"eyJhbGciOiJSUzI1NiJ9.{secrets.token_urlsafe(48)}"
        self._ends[token] = now + self.lifetime
        return token

    def is_valid(self, token: str, now: datetime) -> bool:
        return token in self._ends and self._ends[token] > now

    def revoke_all(self) -> None:
        self._ends.clear()


class MarketplaceState:
    """Everything one reseller sees; lists are newest first (SimpleAPI release notes 1.5)."""

    def __init__(self, token_lifetime: timedelta) -> None:
        self.tokens = Tokens(token_lifetime)
        self.customers: dict[str, CustomerRecord] = {}
        self.subscriptions: dict[str, Subscription] = {}
        self._lists: dict[str | None, list[Subscription]] = {}
        self._last_id = 1_000_000

    def new_id(self, step: int = 1) -> str:
        """Return the next id; customers, subscriptions and orders share one sequence, as on the real one."""
        self._last_id += step
        return str(self._last_id)

    def add_customer(self, customer: CustomerRecord) -> None:
        self.customers[customer.id] = customer

    def add(self, subscription: Subscription) -> None:
        self.subscriptions[subscription.id] = subscription
        self.invalidate_lists()

    def remove(self, subscription_id: str) -> None:
        del self.subscriptions[subscription_id]
        self.invalidate_lists()

    def invalidate_lists(self) -> None:
        """Forget the sorted lists; to be called whenever a subscription has changed."""
        self._lists.clear()

    def customers_newest_first(self) -> list[CustomerRecord]:
        return list(reversed(self.customers.values()))

    def subscriptions_newest_first(self, status: str | None = None) -> list[Subscription]:
        """Return the subscriptions of one status, or of all."""
        if status not in self._lists:
            matching = (
                subscription
                for subscription in self.subscriptions.values()
                if status in (None, subscription.status)
            )
            self._lists[status] = sorted(matching, key=_sort_key, reverse=True)
        return self._lists[status]


def _sort_key(subscription: Subscription) -> tuple[int, int, str]:
    return subscription.created.toordinal(), len(subscription.id), subscription.id
