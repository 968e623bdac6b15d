"""What is billed of a quantity that was bought, by the rule of its service; and how, in words."""

# Invariant: nothing bought is nothing billed, and more bought is never less billed: so the rule makes of a
# known part the known part of what is billed, and whatever is still unknown can only add to it. The cuts of a
# split lie side by side, so what they take adds up to what is billed:
#
#   12 + 3 bought, 5 included, multiples of 10 → 15 - 5 = 10 → 10      cuts [0, 8) and [8, …) → 8 and 2
#   16 bought, by the same rule → 11 → 20                              the same cuts → 8 and 12

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext

from shared.contracts.fields import plain
from shared.contracts.mapping_rules import QuantityRule, Rounding

_DIGITS = 100
"""Enough for any product of numbers in messages: nothing is rounded but what a rule rounds."""
_SHOWN_ADDENDS = 5
_ROUNDED = {Rounding.UP: "up to a", Rounding.DOWN: "down to a", Rounding.NEAREST: "to the nearest"}
_NOTHING, _HALF = Decimal(0), Decimal("0.5")


@dataclass(frozen=True, slots=True)
class Cut:
    """The part of a billed quantity that one line takes: what lies between two bounds."""

    floor: Decimal = _NOTHING
    ceiling: Decimal | None = None
    """None for the rest, whatever it is."""

    def of(self, quantity: Decimal) -> Decimal:
        top = quantity if self.ceiling is None else min(quantity, self.ceiling)
        return max(top - self.floor, _NOTHING)


WHOLE = Cut()


def billed_quantity(bought: Decimal, rule: QuantityRule | None) -> Decimal:
    """Returns what is billed of it, before it is split: the fields of the rule from top to bottom."""
    if rule is None or bought <= 0:
        return max(bought, _NOTHING) if rule else bought
    with localcontext(prec=_DIGITS):
        billed = max(bought * rule.factor - rule.included_units, _NOTHING)
        billed = max(billed, rule.minimum)
        return _to_multiple(billed, rule.multiple, rule.rounding) if rule.multiple else billed


def calculation_words(bought: Sequence[Decimal], rule: QuantityRule | None, cut: Cut) -> str:
    """Returns how the numbers that were bought become the one that is billed, in words."""
    total = sum(bought, _NOTHING)
    billed = billed_quantity(total, rule)
    steps = [_sum_words(bought, total, in_brackets=bool(rule and rule.factor != 1))]
    if rule and total > 0:
        steps += _rule_words(rule)
    words = f"{''.join(steps)} = {plain(billed)}"
    if cut.ceiling is not None:
        most = plain(cut.ceiling - cut.floor)
        after = f" after {plain(cut.floor)}" if cut.floor else ""
        return f"{words}, of which at most {most}{after} here = {plain(cut.of(billed))}"
    return f"{words}, less {plain(cut.floor)} elsewhere = {plain(cut.of(billed))}" if cut.floor else words


def _to_multiple(quantity: Decimal, multiple: Decimal, rounding: Rounding) -> Decimal:
    whole, rest = divmod(quantity, multiple)
    match rounding:
        case Rounding.UP:
            whole += bool(rest)
        case Rounding.NEAREST:
            whole += rest >= multiple * _HALF
        case Rounding.DOWN:
            pass
    return whole * multiple


def _sum_words(bought: Sequence[Decimal], total: Decimal, *, in_brackets: bool) -> str:
    if not bought:
        return "0"
    if len(bought) > _SHOWN_ADDENDS:
        return f"{plain(total)} of {len(bought):,} subscriptions"
    text = " + ".join(map(plain, bought))
    return f"({text})" if in_brackets and len(bought) > 1 else text


def _rule_words(rule: QuantityRule) -> list[str]:
    words = []
    if rule.factor != 1:
        words.append(f" × {plain(rule.factor)}")
    if rule.included_units:
        words.append(f" − {plain(rule.included_units)} included")
    if rule.minimum:
        words.append(f", at least {plain(rule.minimum)}")
    if rule.multiple:
        words.append(f", rounded {_ROUNDED[rule.rounding]} multiple of {plain(rule.multiple)}")
    return words
