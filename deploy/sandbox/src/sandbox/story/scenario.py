"""Declares what each customer buys and what is billed for it, before the month passes."""

# Each line plays one part, and the numbers drawn for it keep that part true whatever the seed:
#
#   part                 bought (b)        billed (p)       after the month
#   increase             b > p             p                b grows
#   decrease             0 < b < p         p                b falls, and stays above 0
#   last seat gone       1                 1                0
#   two subscriptions    b1 + b2 > p       p = b1           the same
#   without quantity     no number         p                the same
#   ambiguous            b = p1 + p2       two lines        the same
#   in step, renewal     b = p             p                the same
#   not billed           b                 no line          the same
#
# The draws of a line come in a fixed order and number for each part: see `builder`.

from dataclasses import dataclass
from enum import StrEnum
from random import Random

Number = int | None


class ScenarioPart(StrEnum):
    """What a line shows; the first six are the parts that a demonstration acts on."""

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
    """What a customer has of one catalogue item: one subscription per offer, and the lines billing it."""

    account: str
    offers: tuple[str, ...]
    item: str
    part: ScenarioPart = ScenarioPart.IN_STEP
    agreement: str | None = None
    """None stands for the account's own agreement."""
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


def draw_quantities(line: ScenarioLine, rng: Random) -> Quantities:
    """Draw a line's numbers; whatever the generator yields, the line keeps playing its part."""
    return DRAWS[line.part](rng.randint(10, 40), rng)


def _in_step_with(seats: int, _rng: Random) -> Quantities:
    return Quantities((seats,), (seats,), seats)


def _increase(seats: int, rng: Random) -> Quantities:
    bought = seats + rng.randint(1, 5)
    return Quantities((bought,), (seats,), bought + rng.randint(1, 4))


def _decrease(seats: int, rng: Random) -> Quantities:
    bought = seats - rng.randint(1, 4)
    return Quantities((bought,), (seats,), bought - rng.randint(1, 4))


def _last_seat_gone(_seats: int, _rng: Random) -> Quantities:
    return Quantities((1,), (1,), 0)


def _two_subscriptions(seats: int, rng: Random) -> Quantities:
    second = rng.randint(1, 9)
    return Quantities((seats, second), (seats,), seats + second)


def _without_quantity(_seats: int, rng: Random) -> Quantities:
    return Quantities((None,), (rng.randint(1, 6),), None)


def _ambiguous(seats: int, rng: Random) -> Quantities:
    first = rng.randint(1, seats - 1)
    return Quantities((seats,), (first, seats - first), seats)


def _renewal(seats: int, rng: Random) -> Quantities:
    second = rng.randint(2, 9)
    return Quantities((seats, second), (seats + second,), seats + second)


def _not_billed(seats: int, _rng: Random) -> Quantities:
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
class PsaOnlyLine:
    """An agreement line with nothing at the vendor to compare it with; days are counted from today."""

    agreement: str
    item: str
    starts: int = -200
    cancelled: int | None = None
    billing: str = "Billable"


PSA_ONLY = (
    PsaOnlyLine("delta-old", "backup", starts=-900),
    PsaOnlyLine("granite", "rmm", billing="DoNotBill"),
    PsaOnlyLine("fabrikam", "standard", starts=-500, cancelled=-90),
    PsaOnlyLine("fabrikam", "exchange", starts=45),
    PsaOnlyLine("juniper", "rmm"),
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
    """A subscription that counts for nothing: not provisioned yet, or ended before the story begins."""

    account: str
    offer: str
    status: str


ENDED = (ScenarioEnding("contoso", "defender", "pending"), ScenarioEnding("northwind", "basic", "removed"))
