"""What each customer buys and what is billed for it, before the month passes."""

from dataclasses import dataclass
from enum import StrEnum
from random import Random

Number = int | None


class Part(StrEnum):
    """What becomes of a line; the first six are the parts that a demonstration selects."""

    INCREASE = "increase"
    DECREASE = "decrease"
    LAST_SEAT_GONE = "last_seat_gone"
    TWO_SUBSCRIPTIONS = "two_subscriptions"
    WITHOUT_QUANTITY = "without_quantity"
    AMBIGUOUS = "ambiguous"
    IN_STEP = "in_step"
    RENEWAL = "renewal"
    NOT_BILLED = "not_billed"


SELECTED = tuple(Part)[:6]


@dataclass(frozen=True, slots=True)
class Line:
    """What a customer has of one catalogue item: one subscription per offer, and the lines that bill them."""

    account: str
    offers: tuple[str, ...]
    item: str
    part: Part = Part.IN_STEP
    agreement: str | None = None
    """The account's own agreement unless said otherwise."""
    included: int = 0
    status: str = "active"
    currency: str = "USD"


def _in_step(account: str, *items: str) -> tuple[Line, ...]:
    return tuple(Line(account, (item,), item) for item in items)


LINES = (
    Line("alpine", ("basic",), "basic", Part.INCREASE),
    *_in_step("alpine", "exchange", "backup"),
    Line("bluebird", ("standard",), "standard", Part.DECREASE),
    *_in_step("bluebird", "exchange", "antivirus"),
    Line("cedar", ("antivirus",), "antivirus", Part.LAST_SEAT_GONE),
    *_in_step("cedar", "basic"),
    Line("cedar", ("standard",), "standard", status="hold"),
    Line("delta", ("basic", "basic"), "basic", Part.TWO_SUBSCRIPTIONS),
    *_in_step("delta", "exchange"),
    Line("evergreen", ("reservation",), "reservation", Part.WITHOUT_QUANTITY),
    *_in_step("evergreen", "standard", "premium"),
    Line("foxglove", ("basic",), "basic", Part.NOT_BILLED),
    Line("granite", ("premium",), "premium", Part.AMBIGUOUS),
    Line("granite", ("defender",), "edr"),
    Line("harborview", ("premium-monthly", "premium"), "premium", Part.RENEWAL),
    Line("harborview", ("defender",), "edr", agreement="harborview-spa"),
    *_in_step("northwind", "basic", "files"),
    *_in_step("contoso", "basic"),
    Line("contoso", ("antivirus",), "antivirus", included=2),
    Line("fabrikam", ("standard",), "standard", currency="EUR"),
    Line("fabrikam", ("defender",), "edr"),
)


@dataclass(frozen=True, slots=True)
class Quantities:
    """Seats by subscription and by agreement line, and the vendor's total once the month has passed."""

    bought: tuple[Number, ...]
    billed: tuple[int, ...]
    bought_after: Number


def quantities(line: Line, dice: Random) -> Quantities:
    """Draw a line's numbers; whatever the dice say, its part stays what it is."""
    return DRAWS[line.part](dice.randint(10, 40), dice)


def _in_step_with(seats: int, _dice: Random) -> Quantities:
    return Quantities((seats,), (seats,), seats)


def _increase(seats: int, dice: Random) -> Quantities:
    now = seats + dice.randint(1, 5)
    return Quantities((now,), (seats,), now + dice.randint(1, 4))


def _decrease(seats: int, dice: Random) -> Quantities:
    now = seats - dice.randint(1, 4)
    return Quantities((now,), (seats,), now - dice.randint(1, 4))


def _last_seat_gone(_seats: int, _dice: Random) -> Quantities:
    return Quantities((1,), (1,), 0)


def _two_subscriptions(seats: int, dice: Random) -> Quantities:
    second = dice.randint(1, 9)
    return Quantities((seats, second), (seats,), seats + second)


def _without_quantity(_seats: int, dice: Random) -> Quantities:
    return Quantities((None,), (dice.randint(1, 6),), None)


def _ambiguous(seats: int, dice: Random) -> Quantities:
    first = dice.randint(1, seats - 1)
    return Quantities((seats,), (first, seats - first), seats)


def _renewal(seats: int, dice: Random) -> Quantities:
    second = dice.randint(2, 9)
    return Quantities((seats, second), (seats + second,), seats + second)


def _not_billed(seats: int, _dice: Random) -> Quantities:
    return Quantities((seats,), (), seats)


DRAWS = {
    Part.INCREASE: _increase,
    Part.DECREASE: _decrease,
    Part.LAST_SEAT_GONE: _last_seat_gone,
    Part.TWO_SUBSCRIPTIONS: _two_subscriptions,
    Part.WITHOUT_QUANTITY: _without_quantity,
    Part.AMBIGUOUS: _ambiguous,
    Part.IN_STEP: _in_step_with,
    Part.RENEWAL: _renewal,
    Part.NOT_BILLED: _not_billed,
}


@dataclass(frozen=True, slots=True)
class Extra:
    """A line of the PSA that nothing at the vendor stands against; days are counted from today."""

    agreement: str
    item: str
    starts: int = -200
    cancelled: int | None = None
    billing: str = "Billable"


EXTRAS = (
    Extra("delta-old", "backup", starts=-900),
    Extra("granite", "rmm", billing="DoNotBill"),
    Extra("fabrikam", "standard", starts=-500, cancelled=-90),
    Extra("fabrikam", "exchange", starts=45),
    Extra("juniper", "rmm"),
)


@dataclass(frozen=True, slots=True)
class Agreement:
    """An agreement of a company; days are counted from today."""

    company: str
    name: str = "Managed services"
    starts: int = -400
    ends: int | None = None
    parent: str | None = None


AGREEMENTS = {
    "alpine": Agreement("alpine"),
    "bluebird": Agreement("bluebird"),
    "cedar": Agreement("cedar"),
    "delta-old": Agreement("delta", "Managed services (old)", starts=-1100, ends=-370),
    "delta": Agreement("delta", starts=-369),
    "evergreen": Agreement("evergreen"),
    "granite": Agreement("granite"),
    "harborview": Agreement("harborview"),
    "harborview-spa": Agreement("harborview", "Managed services, spa", parent="harborview"),
    "northwind": Agreement("northwind"),
    "contoso": Agreement("contoso"),
    "fabrikam": Agreement("fabrikam"),
    "juniper": Agreement("juniper"),
}


@dataclass(frozen=True, slots=True)
class Ended:
    """A subscription that counts for nothing: not provisioned yet, or gone before the story begins."""

    account: str
    offer: str
    status: str


ENDED = (Ended("contoso", "defender", "pending"), Ended("northwind", "basic", "removed"))
