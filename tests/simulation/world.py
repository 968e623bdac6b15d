"""The marketplace and the PSA as they are, at every instant of the simulation: the truth, and its history."""

# Invariant: every change takes effect at one instant, and what was true at any instant is known for ever. The
# oracle compares what the system says with this, and with nothing that the system computed.
#
#   0 s co1/p1 bought 15   90 s a renewal: still 15   200 s three seats more: 18

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Generic, TypeVar

from shared.contracts.base import service_id_of

T = TypeVar("T")

TENANT, VENDOR, PSA = "t1", "int_vendor", "int_psa"
_MAPPING_HEARD_SECONDS = 300.0
"""How long billing may take to hear of a mapping: a message is late, and both of its processes are down."""
LISTED_WITHIN_SECONDS = 120.0
"""How late lists may show what a renewal made."""
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
    listed_at: float = float("-inf")
    """From when on it is in lists."""

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
        self._since, self._values = [float("-inf")], [initial]

    def note(self, at: float, value: T) -> None:
        if self._values[-1] != value:
            self._since.append(at)
            self._values.append(value)

    def values(self, first: float, last: float) -> Sequence[T]:
        """Every value that held at some instant between the two, ends included."""
        begin = max(0, bisect_left(self._since, first) - 1)
        return self._values[begin : bisect_right(self._since, last)]

    @property
    def now(self) -> T:
        return self._values[-1]


class World:
    """What is bought and billed now, and was ever."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.company_of: dict[str, str | None] = {}
        """The PSA account that each vendor account is mapped to."""
        self.mappings = Timeline[Mapping[str, str | None]]({})
        self.quantities = Timeline[Mapping[tuple[str, Offer], Decimal]]({})
        """What each account has of each offer."""
        self.on_mapped: Callable[[str, str | None], None] = lambda _account, _company: None
        """Told of an account that is mapped anew, and to what."""
        self.is_known: Callable[[str], bool] = lambda _: True
        """Whether vendor-sync has a reading of a subscription."""
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
        self.bystanders: set[str] = set()
        """Subscriptions that nothing happens to."""
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

    def list_all(self) -> None:
        """Lists come to show every renewal."""
        for one in self.subscriptions.values():
            if one.listed_at > self.now:
                self.subscriptions[one.id] = replace(one, listed_at=self.now)

    def map(self, account: str, company: str | None) -> None:
        """A person maps an account to another company, or to none."""
        self.company_of[account] = company
        self._note()
        self.on_mapped(account, company)

    def place_of(self, subscription: Subscription) -> Target:
        return _place(self.company_of, subscription.account, subscription.offer)

    def totals(self, target: Target, first: float, last: float) -> Iterator[Decimal]:
        """What was bought at instants between the two, by any mapping that was decided by then.

        A number is of its readings, and of the mapping as it was known when they were added up.
        """
        yield from self.bought[target].values(first, last)
        mappings = self.mappings.values(first - _MAPPING_HEARD_SECONDS, last)
        for mapping in mappings if len(mappings) > 1 else ():
            for quantities in self.quantities.values(first, last):
                parts = [
                    quantity
                    for (account, offer), quantity in quantities.items()
                    if _place(mapping, account, offer) == target
                ]
                yield sum(parts, Decimal(0))

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
        quantities: defaultdict[tuple[str, Offer], Decimal] = defaultdict(Decimal)
        for one in self.subscriptions.values():
            bought[self.place_of(one)] += one.quantity if one.counts else 0
            quantities[one.account, one.offer] += one.quantity if one.counts else 0
        self.quantities.note(now, dict(quantities))
        self.mappings.note(now, dict(self.company_of))
        for target in self.bought.keys() | bought.keys():
            self.bought[target].note(now, bought.get(target, Decimal(0)))
        targets = {(one.company, one.product) for one in self.lines.values()}
        for target in self.billed.keys() | targets:
            billed = sorted(one.quantity for one in self.open_lines(target))
            self.billed[target].note(now, tuple(billed))
        for line in self.lines.values():
            self.line_history[line.id].note(now, line)


def _place(mapping: Mapping[str, str | None], account: str, offer: Offer) -> Target:
    company = mapping[account]
    if company and offer.product:
        return company, offer.product
    return account, service_id_of(VENDOR, offer.service_key)
