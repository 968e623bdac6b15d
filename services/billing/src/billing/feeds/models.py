"""What a run changes of a tenant's numbers, and when that is too much to be believed; pure."""

# Invariant: an empty feed is never a verdict. What one run makes vanish or swing is added up line by line,
# each against the number by what was believed before the run, and the run is held as soon as the sum is
# unlikely:
#
#   100 lines with a number, 12 of them become 0 by one run   → 12 %: believed
#   20 of them                                                → 20 %, and at least 10 lines: held
#   4 lines with a number, all of them become 0               → nothing is left: held
#   one line of 900 of 1,000 USD becomes 0                    → 90 % of the money, but 1 line: believed
#   60 of 100 lines lose 4 of 10 each                         → no line swings, 24 % of the money: believed
#   80 of 100 lines lose 4 of 10 each                         → 32 % of the money: held

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from pydantic import AwareDatetime

from billing.audit.chain import AuditDraft
from shared.contracts.base import ContractModel

_SWING = Decimal("0.5")
"""A number that changes by this share of itself or more has swung."""
LEAST_SWUNG = 2
"""One line that swings is no sign of anything; two that are all there is and vanish are an empty feed."""


class FeedRules(NamedTuple):
    """From when on a run is not believed."""

    lines_share: Decimal = Decimal("0.2")
    money_share: Decimal = Decimal("0.3")
    least_lines: int = 10


FEED_RULES = FeedRules()
"""Unless the settings say otherwise."""


class RunRef(NamedTuple):
    """Names a run: run ids are each service's own."""

    integration_id: str
    run_id: str


@dataclass(frozen=True, slots=True)
class LineSwing:
    """What one run has made of the number of one line, on the run's side."""

    line_id: str
    before: Decimal
    """The number by what was believed before the run; its known part where it was none."""
    after: Decimal
    unit_price: Decimal | None = None
    currency: str | None = None

    @property
    def differs(self) -> bool:
        return self.after != self.before

    @property
    def vanished(self) -> bool:
        return self.before > 0 and self.after <= 0

    @property
    def has_swung(self) -> bool:
        """Whether the number vanished, or changed by half of itself or more."""
        return self.before > 0 and abs(self.after - self.before) >= self.before * _SWING


@dataclass(frozen=True, slots=True)
class FeedSize:
    """How much there is on one side of a tenant: what a run's changes are a share of."""

    lines: int
    """Lines with a number above zero, before the run."""
    money: Mapping[str, Decimal]
    """What they are worth, by currency, as far as it is known."""

    def __add__(self, other: "FeedSize") -> "FeedSize":
        currencies = self.money.keys() | other.money.keys()
        nothing = Decimal(0)
        money = {one: self.money.get(one, nothing) + other.money.get(one, nothing) for one in currencies}
        return FeedSize(self.lines + other.lines, money)


def may_be_unlikely(swings: Collection[LineSwing], rules: FeedRules) -> bool:
    """Whether so many lines are changed that it matters how many there are: nearly always they are not."""
    vanished = sum(swing.vanished for swing in swings)
    changed = sum(swing.before > 0 and swing.differs for swing in swings)
    return vanished >= LEAST_SWUNG or changed >= rules.least_lines


def objection_to(swings: Collection[LineSwing], size: FeedSize, rules: FeedRules) -> str | None:
    """Why a run is not believed that changes numbers so, in a sentence; None when it is."""
    changed = [swing for swing in swings if swing.before > 0 and swing.differs]
    swung = [swing for swing in changed if swing.has_swung]
    vanished = sum(swing.vanished for swing in swung)
    if vanished >= LEAST_SWUNG and vanished >= size.lines:
        return f"all {size.lines} lines that had a number would vanish"
    if len(swung) >= rules.least_lines and len(swung) >= size.lines * rules.lines_share:
        return f"{len(swung)} of {size.lines} lines would vanish or swing"
    if len(changed) < rules.least_lines:
        return None
    for currency, amount in _money(changed).items():
        whole = size.money.get(currency, Decimal(0))
        if whole and amount >= whole * rules.money_share:
            return f"{amount:f} of {whole:f} {currency} would vanish or swing"
    return None


def _money(swings: Collection[LineSwing]) -> dict[str, Decimal]:
    amounts: defaultdict[str, Decimal] = defaultdict(Decimal)
    for swing in swings:
        if swing.unit_price is not None and swing.currency is not None:
            amounts[swing.currency] += abs(swing.after - swing.before) * swing.unit_price
    return dict(amounts)


class HoldState(StrEnum):
    """What has become of a run that was held; only `held` waits for a person."""

    HELD = "held"
    RELEASED = "released"
    """A person believes it: its numbers count."""
    REJECTED = "rejected"
    """Its accounts fell back to what was believed before, until the next run."""
    OVERTAKEN = "overtaken"
    """Newer runs have read all of its accounts again: nobody has to decide on it any more."""


class HeldRun(ContractModel):
    """A run that was not believed, and what a person decided on it."""

    tenant_id: str
    integration_id: str
    run_id: str
    state: HoldState = HoldState.HELD
    objection: str
    """Why it was held, in a sentence."""
    held_at: AwareDatetime
    resolved_at: AwareDatetime | None = None
    resolved_by: str | None = None
    """A person's id."""
    reason: str | None = None
    """Why the person released or rejected it."""

    @property
    def ref(self) -> RunRef:
        return RunRef(self.integration_id, self.run_id)

    def draft(self, at: datetime, actor: str) -> AuditDraft:
        """Returns what the audit log says of the hold, or of its end."""
        details = {"integration_id": self.integration_id, "objection": self.objection}
        if self.reason is not None:
            details["reason"] = self.reason
        return AuditDraft(at, actor, f"run.{self.state}", f"run:{self.run_id}", details)


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What is stored of a run that is being judged."""

    run: RunRef
    changes: int = 0
    """How often it was judged: whoever judges it next must have seen all before."""
    state: HoldState | None = None
    """None for a run that was never held."""
    readable: bool = True
    """False for a record that is stored and cannot be read: a hold replaces it."""

    @property
    def is_decided(self) -> bool:
        """Whether nothing that the run changes besides would change what it is taken for."""
        return self.state not in (None, HoldState.OVERTAKEN)


@dataclass(frozen=True, slots=True)
class JudgedRun:
    """What a run came to, when more of its manifests are about to count."""

    record: RunRecord
    """What was stored of it when it was judged."""
    swings: Mapping[str, LineSwing | None]
    """What it makes of lines besides; None for a line that it does not change after all."""
    held: HeldRun | None = None
    """Set when it is not believed."""

    @property
    def is_news(self) -> bool:
        """Whether anything must be stored: a run that changes nothing leaves no trace."""
        return bool(self.record.changes or self.held or any(self.swings.values()))
