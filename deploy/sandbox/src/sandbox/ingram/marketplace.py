"""The marketplace's state: customers, subscriptions and the tokens that were given out."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sandbox.ingram.records import CustomerRecord, Subscription

STATUSES = ("pending", "active", "hold", "terminated", "removed", "unknown")


@dataclass(slots=True)
class Tokens:
    """Bearer tokens with their ends; giving out a new one leaves the older ones alive."""

    life: timedelta
    _ends: dict[str, datetime] = field(default_factory=dict)

    def issue(self, now: datetime) -> str:
        self._ends = {token: end for token, end in self._ends.items() if end > now}
        token = f"eyJhbGciOiJSUzI1NiJ9.{secrets.token_urlsafe(48)}"
        self._ends[token] = now + self.life
        return token

    def alive(self, token: str, now: datetime) -> bool:
        return token in self._ends and self._ends[token] > now

    def kill(self) -> None:
        self._ends.clear()


class MarketplaceState:
    """Everything one reseller sees; lists are newest first (SimpleAPI release notes 1.5)."""

    def __init__(self, token_life: timedelta) -> None:
        self.tokens = Tokens(token_life)
        self.customers: dict[str, CustomerRecord] = {}
        self.subscriptions: dict[str, Subscription] = {}
        self._lists: dict[str | None, list[Subscription]] = {}
        self._last_id = 1_000_000

    def new_id(self, step: int = 1) -> str:
        """The next id; customers, subscriptions and orders of the real thing share one sequence, too."""
        self._last_id += step
        return str(self._last_id)

    def add_customer(self, customer: CustomerRecord) -> None:
        self.customers[customer.id] = customer

    def add(self, subscription: Subscription) -> None:
        self.subscriptions[subscription.id] = subscription
        self.touched()

    def remove(self, subscription_id: str) -> None:
        del self.subscriptions[subscription_id]
        self.touched()

    def touched(self) -> None:
        """Forget the ordered lists; to be called whenever a subscription has changed."""
        self._lists.clear()

    def newest_customers(self) -> list[CustomerRecord]:
        return list(reversed(self.customers.values()))

    def newest(self, status: str | None = None) -> list[Subscription]:
        """Subscriptions of one status, or of all, newest first."""
        if status not in self._lists:
            matching = (one for one in self.subscriptions.values() if status in (None, one.status))
            self._lists[status] = sorted(matching, key=_age, reverse=True)
        return self._lists[status]


def _age(subscription: Subscription) -> tuple[int, int, str]:
    return subscription.created.toordinal(), len(subscription.id), subscription.id
