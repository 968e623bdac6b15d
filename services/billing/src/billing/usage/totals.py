"""Sums up the lines of a reconciliation: number by class, money by currency, share of counted lines."""

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal

from billing.usage.money import DIFFERENCES
from shared.contracts.base import ContractModel
from shared.contracts.billing import LineClass, MoneyEffect
from shared.contracts.fields import Number
from shared.limits import messages as limits
from shared.limits import record_hit


class Totals(ContractModel):
    """The sum of a reconciliation. Money is the estimated effect of all differences, by currency."""

    by_class: dict[str, int]
    money: dict[str, Number]
    coverage: Number
    """Share of lines whose counts are both numbers, 0 to 1."""
    unsummed: int = 0
    """Differences whose money is in none of the sums: there were `limits.CURRENCIES` already."""


@dataclass(slots=True)
class TotalsTally:
    """Adds one line at a time, so that any number of lines fits in memory."""

    by_class: Counter[str] = field(default_factory=Counter)
    money: dict[str, Decimal] = field(default_factory=dict)
    counted: int = 0
    unsummed: int = 0

    def add(self, line_class: LineClass, money: MoneyEffect, *, both_numbers: bool) -> None:
        """Adds a line; only the money of a difference counts, and currencies are never added."""
        self.by_class[line_class.value] += 1
        self.counted += both_numbers
        if line_class not in DIFFERENCES or money.amount is None or money.currency is None:
            return
        if money.currency not in self.money and len(self.money) == limits.CURRENCIES.most:
            record_hit(limits.CURRENCIES)
            self.unsummed += 1
        else:
            self.money[money.currency] = self.money.get(money.currency, Decimal(0)) + money.amount

    @property
    def totals(self) -> Totals:
        """The totals so far; no line at all is no coverage, for an empty feed is never a verdict."""
        lines = self.by_class.total()
        coverage = Decimal(self.counted) / lines if lines else Decimal(0)
        return Totals(
            by_class=dict(self.by_class),
            money=self.money,
            coverage=round(coverage, 4),
            unsummed=self.unsummed,
        )
