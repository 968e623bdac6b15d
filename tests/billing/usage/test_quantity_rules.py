"""What is billed of a quantity that was bought; every expectation is written by hand from the rules."""

from decimal import Decimal
from fractions import Fraction
from math import ceil, floor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.usage.quantity_rules import WHOLE, Cut, billed_quantity, calculation_words
from shared.contracts.mapping_rules import QuantityRule, Rounding


def a_rule(**fields: str) -> QuantityRule:
    return QuantityRule.model_validate(fields)


@pytest.mark.parametrize(
    ("bought", "rule", "billed"),
    [
        ("7", a_rule(), "7"),
        ("7", a_rule(factor="2"), "14"),
        ("7", a_rule(factor="0.5"), "3.5"),
        ("7", a_rule(included_units="5"), "2"),
        ("4", a_rule(included_units="5"), "0"),
        ("4", a_rule(minimum="10"), "10"),
        ("12", a_rule(minimum="10"), "12"),
        ("0", a_rule(minimum="10"), "0"),
        ("0", a_rule(multiple="10"), "0"),
        ("11", a_rule(multiple="10"), "20"),
        ("20", a_rule(multiple="10"), "20"),
        ("19", a_rule(multiple="10", rounding="down"), "10"),
        ("9", a_rule(multiple="10", rounding="down"), "0"),
        ("14", a_rule(multiple="10", rounding="nearest"), "10"),
        ("15", a_rule(multiple="10", rounding="nearest"), "20"),
        ("0.3", a_rule(multiple="0.1"), "0.3"),
        ("0.31", a_rule(multiple="0.1"), "0.4"),
        ("15", a_rule(included_units="5", multiple="10"), "10"),
        ("16", a_rule(included_units="5", multiple="10"), "20"),
        ("3", a_rule(included_units="5", minimum="2"), "2"),
        ("10", a_rule(factor="1.5", included_units="5", minimum="12", multiple="4"), "12"),
        ("999999999999", a_rule(factor="999999999999"), "999999999998000000000001"),
    ],
)
def test_the_fields_of_a_rule_are_applied_from_top_to_bottom(
    bought: str, rule: QuantityRule, billed: str
) -> None:
    assert billed_quantity(Decimal(bought), rule) == Decimal(billed)


@pytest.mark.parametrize(
    ("cut", "quantity", "taken"),
    [
        (WHOLE, "10", "10"),
        (Cut(Decimal(0), Decimal(8)), "10", "8"),
        (Cut(Decimal(0), Decimal(8)), "5", "5"),
        (Cut(Decimal(8), Decimal(9)), "10", "1"),
        (Cut(Decimal(8), Decimal(9)), "8", "0"),
        (Cut(Decimal(8)), "10", "2"),
        (Cut(Decimal(8)), "3", "0"),
    ],
)
def test_a_cut_takes_what_lies_between_its_bounds(cut: Cut, quantity: str, taken: str) -> None:
    assert cut.of(Decimal(quantity)) == Decimal(taken)


_SMALL = st.decimals(0, 1000, places=2)
_POSITIVE = st.decimals("0.01", 50, places=2)
RULES = st.builds(
    QuantityRule,
    factor=_POSITIVE,
    included_units=_SMALL,
    minimum=_SMALL,
    multiple=st.none() | _POSITIVE,
    rounding=st.sampled_from(Rounding),
)


def by_fractions(bought: Decimal, rule: QuantityRule) -> Fraction:
    """What the contract says, in another arithmetic."""
    if not bought:
        return Fraction(0)
    billed = Fraction(bought) * Fraction(rule.factor) - Fraction(rule.included_units)
    billed = max(billed, Fraction(0), Fraction(rule.minimum))
    if rule.multiple is None:
        return billed
    times = billed / Fraction(rule.multiple)
    rounded = {
        Rounding.UP: ceil(times),
        Rounding.DOWN: floor(times),
        Rounding.NEAREST: floor(times + Fraction(1, 2)),
    }
    return rounded[rule.rounding] * Fraction(rule.multiple)


@given(_SMALL, RULES)
@settings(max_examples=500)
def test_another_arithmetic_comes_to_the_same(bought: Decimal, rule: QuantityRule) -> None:
    assert Fraction(billed_quantity(bought, rule)) == by_fractions(bought, rule)


@given(_SMALL, _SMALL, RULES)
@settings(max_examples=500)
def test_more_bought_is_never_less_billed(one: Decimal, more: Decimal, rule: QuantityRule) -> None:
    assert billed_quantity(one, rule) <= billed_quantity(one + more, rule)


@given(_SMALL, st.lists(_POSITIVE, max_size=4))
def test_the_cuts_of_a_split_add_up_to_the_whole(quantity: Decimal, parts: list[Decimal]) -> None:
    bounds = [sum(parts[:place], Decimal(0)) for place in range(len(parts) + 1)]
    cuts = [Cut(low, high) for low, high in zip(bounds, [*bounds[1:], None], strict=True)]

    taken = [cut.of(quantity) for cut in cuts]

    assert sum(taken) == quantity
    assert min(taken) >= 0


@pytest.mark.parametrize(
    ("bought", "rule", "cut", "words"),
    [
        (
            "12 3",
            a_rule(included_units="5", multiple="10"),
            WHOLE,
            "12 + 3 − 5 included, rounded up to a multiple of 10 = 10",
        ),
        ("12 3", a_rule(factor="1.5"), WHOLE, "(12 + 3) × 1.5 = 22.5"),
        ("4", a_rule(minimum="10"), WHOLE, "4, at least 10 = 10"),
        (
            "14",
            a_rule(multiple="10", rounding="nearest"),
            WHOLE,
            "14, rounded to the nearest multiple of 10 = 10",
        ),
        ("0", a_rule(minimum="10"), WHOLE, "0 = 0"),
        ("", a_rule(minimum="10"), WHOLE, "0 = 0"),
        ("1 1 1 1 1 1", None, WHOLE, "6 of 6 subscriptions = 6"),
        ("10", None, Cut(Decimal(0), Decimal(8)), "10 = 10, of which at most 8 here = 8"),
        ("10", None, Cut(Decimal(8), Decimal(9)), "10 = 10, of which at most 1 after 8 here = 1"),
        ("10", None, Cut(Decimal(8)), "10 = 10, less 8 elsewhere = 2"),
    ],
)
def test_the_calculation_is_said_in_words(
    bought: str, rule: QuantityRule | None, cut: Cut, words: str
) -> None:
    assert calculation_words([Decimal(one) for one in bought.split()], rule, cut) == words
