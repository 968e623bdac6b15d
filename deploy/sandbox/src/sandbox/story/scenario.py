"""What each customer buys and what is billed for it, before the month passes."""

from dataclasses import dataclass
from enum import StrEnum
from random import Random

Number = int | None


class ScenarioPart(StrEnum):
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


SELECTED = tuple(ScenarioPart)[:6]


@dataclass(frozen=True, slots=True)
class ScenarioLine:
    """What a customer has of one catalogue item: one subscription per offer, and the lines that bill them."""

    account: str
    offers: tuple[str, ...]
    item: str
    part: ScenarioPart = ScenarioPart.IN_STEP
    agreement: str | None = None
    """The account's own agreement unless said otherwise."""
    included: int = 0
    status: str = "active"
    currency: str = "USD"


def _in_step(account: str, *items: str) -> tuple[ScenarioLine, ...]:
    return tuple(ScenarioLine(account, (item,), item) for item in items)


LINES = (
    ScenarioLine("alpine", ("basic",), "basic", ScenarioPart.INCREASE),
    *_in_step("alpine", "exchange", "backup"),
    ScenarioLine("bluebird", ("standard",), "standard", ScenarioPart.DECREASE),
    *_in_step("bluebird", "exchange", "antivirus"),
    ScenarioLine("cedar", ("antivirus",), "antivirus", ScenarioPart.LAST_SEAT_GONE),
    *_in_step("cedar", "basic"),
    ScenarioLine("cedar", ("standard",), "standard", status="hold"),
    ScenarioLine("delta", ("basic", "basic"), "basic", ScenarioPart.TWO_SUBSCRIPTIONS),
    *_in_step("delta", "exchange"),
    ScenarioLine("evergreen", ("reservation",), "reservation", ScenarioPart.WITHOUT_QUANTITY),
    *_in_step("evergreen", "standard", "premium"),
    ScenarioLine("foxglove", ("basic",), "basic", ScenarioPart.NOT_BILLED),
    ScenarioLine("granite", ("premium",), "premium", ScenarioPart.AMBIGUOUS),
    ScenarioLine("granite", ("defender",), "edr"),
    ScenarioLine("harborview", ("premium-monthly", "premium"), "premium", ScenarioPart.RENEWAL),
    ScenarioLine("harborview", ("defender",), "edr", agreement="harborview-spa"),
    *_in_step("northwind", "basic", "files"),
    *_in_step("contoso", "basic"),
    ScenarioLine("contoso", ("antivirus",), "antivirus", included=2),
    ScenarioLine("fabrikam", ("standard",), "standard", currency="EUR"),
    ScenarioLine("fabrikam", ("defender",), "edr"),
)


@dataclass(frozen=True, slots=True)
class Quantities:
    """Seats by subscription and by agreement line, and the vendor's total once the month has passed."""

    bought: tuple[Number, ...]
    billed: tuple[int, ...]
    bought_after: Number


def quantities(line: ScenarioLine, dice: Random) -> Quantities:
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
    ScenarioPart.INCREASE: _increase,
    ScenarioPart.DECREASE: _decrease,
    ScenarioPart.LAST_SEAT_GONE: _last_seat_gone,
    ScenarioPart.TWO_SUBSCRIPTIONS: _two_subscriptions,
    ScenarioPart.WITHOUT_QUANTITY: _without_quantity,
    ScenarioPart.AMBIGUOUS: _ambiguous,
    ScenarioPart.IN_STEP: _in_step_with,
    ScenarioPart.RENEWAL: _renewal,
    ScenarioPart.NOT_BILLED: _not_billed,
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
class ScenarioAgreement:
    """An agreement of a company; days are counted from today."""

    company: str
    name: str = "Managed services"
    starts: int = -400
    ends: int | None = None
    parent: str | None = None


AGREEMENTS = {
    "alpine": ScenarioAgreement("alpine"),
    "bluebird": ScenarioAgreement("bluebird"),
    "cedar": ScenarioAgreement("cedar"),
    "delta-old": ScenarioAgreement("delta", "Managed services (old)", starts=-1100, ends=-370),
    "delta": ScenarioAgreement("delta", starts=-369),
    "evergreen": ScenarioAgreement("evergreen"),
    "granite": ScenarioAgreement("granite"),
    "harborview": ScenarioAgreement("harborview"),
    "harborview-spa": ScenarioAgreement("harborview", "Managed services, spa", parent="harborview"),
    "northwind": ScenarioAgreement("northwind"),
    "contoso": ScenarioAgreement("contoso"),
    "fabrikam": ScenarioAgreement("fabrikam"),
    "juniper": ScenarioAgreement("juniper"),
}


@dataclass(frozen=True, slots=True)
class ScenarioEnding:
    """A subscription that counts for nothing: not provisioned yet, or gone before the story begins."""

    account: str
    offer: str
    status: str


ENDED = (ScenarioEnding("contoso", "defender", "pending"), ScenarioEnding("northwind", "basic", "removed"))
