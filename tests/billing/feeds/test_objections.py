"""From when on a run is not believed: each boundary, from the rule."""

from decimal import Decimal

import pytest

from billing.feeds.models import FEED_RULES, FeedRules, FeedSize, LineSwing, may_be_unlikely, objection_to


def swings(
    count: int, before: int = 10, after: int = 0, *, price: int | None = None, currency: str = "USD"
) -> list[LineSwing]:
    worth = (None, None) if price is None else (Decimal(price), currency)
    return [LineSwing(f"{currency}{n}", Decimal(before), Decimal(after), *worth) for n in range(count)]


def a_size(lines: int, dollars: int = 0, **others: int) -> FeedSize:
    money = {"USD": dollars, **others}
    return FeedSize(lines, {currency: Decimal(amount) for currency, amount in money.items() if amount})


def is_believed(changes: list[LineSwing], size: FeedSize, rules: FeedRules = FEED_RULES) -> bool:
    return not may_be_unlikely(changes, rules) or objection_to(changes, size, rules) is None


def test_the_rules_are_a_fifth_of_the_lines_30_percent_of_the_money_and_ten_lines() -> None:
    assert FeedRules(Decimal("0.2"), Decimal("0.3"), 10) == FEED_RULES


@pytest.mark.parametrize(
    ("vanished", "lines", "believed"),
    [
        (19, 100, True),
        (20, 100, False),
        (9, 20, True),
        (9, 10, True),
        (10, 20, False),
        (10, 50, False),
        (10, 51, True),
        (11, 55, False),
        (11, 56, True),
    ],
)
def test_a_fifth_of_the_lines_and_ten_at_least_are_too_many(
    vanished: int, lines: int, *, believed: bool
) -> None:
    assert is_believed(swings(vanished), a_size(lines)) is believed


@pytest.mark.parametrize("few", [2, 4, 9, 10])
def test_a_feed_that_leaves_nothing_is_not_believed_however_few_the_lines(few: int) -> None:
    assert not is_believed(swings(few), a_size(few))
    assert objection_to(swings(few), a_size(few), FEED_RULES) == (
        f"all {few} lines that had a number would vanish"
    )


@pytest.mark.parametrize("few", [3, 4, 9])
def test_a_small_feed_that_leaves_one_line_is_believed(few: int) -> None:
    assert is_believed(swings(few - 1), a_size(few))


@pytest.mark.parametrize("few", [2, 9])
def test_a_small_feed_whose_lines_all_shrink_is_believed(few: int) -> None:
    assert is_believed(swings(few, before=10, after=1), a_size(few))


def test_one_line_that_vanishes_is_no_sign_of_anything() -> None:
    assert is_believed(swings(1), a_size(1))


@pytest.mark.parametrize(("dollars", "believed"), [(3_000, False), (3_334, True), (3_333, False)])
def test_three_tenths_of_the_money_are_too_much_although_the_lines_are_few(
    dollars: int, *, believed: bool
) -> None:
    """Ten of a thousand lines, of 10 units at 10 USD each: 1,000 USD."""
    assert is_believed(swings(10, price=10), a_size(1_000, dollars)) is believed


def test_nine_lines_are_believed_whatever_they_are_worth() -> None:
    assert is_believed(swings(9, price=1_000), a_size(1_000, dollars=90_001))


def test_the_money_of_any_one_currency_counts_and_currencies_are_never_added() -> None:
    half_of_all_euros = swings(10, price=10, currency="EUR")
    a_fifth_of_each = swings(10, price=10) + swings(10, price=10, currency="EUR")

    assert not is_believed(half_of_all_euros, a_size(1_000, dollars=1_000_000, EUR=2_000))
    assert is_believed(a_fifth_of_each, a_size(1_000, dollars=5_000, EUR=5_000))


def test_money_that_is_not_known_is_no_share_of_any() -> None:
    assert is_believed(swings(10), a_size(1_000, dollars=100))


@pytest.mark.parametrize(("lines", "believed"), [(74, True), (75, False)])
def test_money_adds_up_where_no_single_line_swings(lines: int, *, believed: bool) -> None:
    """Each line loses 4 of its 10 units at 10 USD; 100 lines are worth 10,000 USD."""
    assert is_believed(swings(lines, before=10, after=6, price=10), a_size(100, dollars=10_000)) is believed


def test_what_grows_is_as_unlikely_as_what_shrinks() -> None:
    assert not is_believed(swings(75, before=10, after=14, price=10), a_size(100, dollars=10_000))


def test_numbers_that_change_by_less_than_half_are_an_ordinary_day() -> None:
    assert is_believed(swings(60, before=10, after=6), a_size(100))
    assert not is_believed(swings(60, before=10, after=5), a_size(100))


def test_numbers_that_double_are_as_unlikely_as_numbers_that_vanish() -> None:
    assert not is_believed(swings(30, before=10, after=25), a_size(100))


def test_what_was_not_there_before_is_new_usage_and_no_swing() -> None:
    assert is_believed(swings(60, before=0, after=50, price=10), a_size(100, dollars=10_000))


def test_lines_that_stay_as_they_are_count_for_nothing() -> None:
    assert is_believed(swings(60, before=10, after=10, price=10), a_size(60, dollars=6_000))


def test_an_operator_may_set_other_rules() -> None:
    rules = FeedRules(lines_share=Decimal("0.5"), money_share=Decimal(1), least_lines=3)

    assert is_believed(swings(4, price=10), a_size(10, dollars=1_000), rules)
    assert not is_believed(swings(5, price=10), a_size(10, dollars=1_000), rules)
    assert is_believed(swings(2, price=10), a_size(4, dollars=400), rules)
    assert not is_believed(swings(2), a_size(2), rules)
