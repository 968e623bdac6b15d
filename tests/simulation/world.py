"""The marketplace and the PSA as they are, at every instant of the simulation: the truth, and its history."""

# Invariant: every change takes effect at one instant, and what was true at any instant is known for ever. The
# oracle compares what the system says with this, and with nothing that the system computed.
#
#   0 s co1/p1 bought 15   90 s a renewal: still 15   200 s three seats more: 18

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Generic, TypeVar

from shared.contracts.base import service_id_of

T = TypeVar("T")

TENANT, VENDOR, PSA = "t1", "int_vendor", "int_psa"
ACTIVE, HOLD, REMOVED = "active", "hold", "removed"
Target = tuple[str, str]
"""A PSA account and a PSA product; or a vendor account and a service key, for what is not mapped."""


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that the marketplace sells."""

    mpn: str
    product: str | None
    """The PSA product that its service is mapped to."""

    @property
    def service_key(self) -> str:
        return f"Acme|{self.mpn}|1 year|1 month"


@dataclass(frozen=True, slots=True)
class Subscription:
    id: str
    account: str
    offer: Offer
    quantity: int
    status: str = ACTIVE
    price: Decimal = Decimal(10)
    currency: str = "USD"
    number: int = 0
    """Counts up with each that is made: lists are newest first."""
    listed_after: int = 0
    """How many times all lists must have been begun until it is in one."""

    @property
    def counts(self) -> bool:
        return self.status in (ACTIVE, HOLD)


@dataclass(frozen=True, slots=True)
class BilledFacts:
    """One agreement line of the PSA."""

    id: str
    agreement: str
    company: str
    product: str
    quantity: Decimal
    included: Decimal = Decimal(0)
    price: Decimal = Decimal(20)
    charged: bool = True
    ends_on: date | None = None
    changed_at: float = 0.0
    changed_by: str = "ann"

    @property
    def is_open(self) -> bool:
        return self.charged and self.ends_on is None


class Timeline(Generic[T]):
    """What one thing was, from instant to instant."""

    def __init__(self, initial: T) -> None:
        self._changes: list[tuple[float, T]] = [(float("-inf"), initial)]

    def note(self, at: float, value: T) -> None:
        if self._changes[-1][1] != value:
            self._changes.append((at, value))

    def values(self, first: float, last: float) -> Iterator[T]:
        """Every value that held at some instant between the two."""
        for place, (since, value) in enumerate(self._changes):
            until = self._changes[place + 1][0] if place + 1 < len(self._changes) else float("inf")
            if since <= last and until >= first:
                yield value

    @property
    def now(self) -> T:
        return self._changes[-1][1]


class World:
    """What is bought and billed now, and was ever."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.company_of: dict[str, str | None] = {}
        """The PSA account that each vendor account is mapped to."""
        self.offers: list[Offer] = []
        self.products: list[str] = []
        self.companies: list[str] = []
        self.subscriptions: dict[str, Subscription] = {}
        self.lines: dict[str, BilledFacts] = {}
        self.bought = defaultdict[Target, Timeline[Decimal]](lambda: Timeline(Decimal(0)))
        self.billed = defaultdict[Target, Timeline[tuple[Decimal, ...]]](lambda: Timeline(()))
        """The quantities of the lines that are open."""
        self.line_history = defaultdict[str, Timeline[BilledFacts | None]](lambda: Timeline(None))
        self.conserved: dict[Target, Decimal] = {}
        """What is only moved about, and its total."""
        self.unreadable_subscriptions: set[str] = set()
        self.unreadable_lines: set[str] = set()
        self.our_writes: list[tuple[float, str, Decimal]] = []
        """When which line was set to what by a request of ours."""
        self.foreign_writes: list[tuple[float, str]] = []
        self._numbers = 0

    @property
    def now(self) -> float:
        return self._clock()

    def next_number(self) -> int:
        self._numbers += 1
        return self._numbers

    def put(self, *changed: Subscription | BilledFacts, by: str = "ann") -> None:
        """Changes several things at one instant."""
        for one in changed:
            if isinstance(one, Subscription):
                self.subscriptions[one.id] = one
            else:
                self.lines[one.id] = replace(one, changed_at=self._clock(), changed_by=by)
        self._note()

    def place_of(self, subscription: Subscription) -> Target:
        company, product = self.company_of[subscription.account], subscription.offer.product
        if company and product:
            return company, product
        return subscription.account, service_id_of(VENDOR, subscription.offer.service_key)

    def open_lines(self, target: Target) -> list[BilledFacts]:
        return [one for one in self.lines.values() if one.is_open and (one.company, one.product) == target]

    def conserve(self, target: Target) -> None:
        """From now on nothing but moves and renewals may happen to what is bought here."""
        self.conserved[target] = self.bought[target].now

    def set_by_us(self, line_id: str, quantity: Decimal) -> None:
        """A write of ours arrives."""
        self.our_writes.append((self._clock(), line_id, quantity))
        self.put(replace(self.lines[line_id], quantity=quantity), by="apiMember")

    def _note(self) -> None:
        now = self._clock()
        bought: defaultdict[Target, Decimal] = defaultdict(Decimal)
        for one in self.subscriptions.values():
            bought[self.place_of(one)] += one.quantity if one.counts else 0
        for target in self.bought.keys() | bought.keys():
            self.bought[target].note(now, bought.get(target, Decimal(0)))
        targets = {(one.company, one.product) for one in self.lines.values()}
        for target in self.billed.keys() | targets:
            quantities = sorted(one.quantity for one in self.open_lines(target))
            self.billed[target].note(now, tuple(quantities))
        for one in self.lines.values():
            self.line_history[one.id].note(now, one)
