from decimal import Decimal

import pytest

from billing.feeds.models import FEED_RULES, FeedSize, LineSwing, objection_to


def swings(count: int, before: int = 10, after: int = 0, price: int | None = None) -> list[LineSwing]:
    worth = (None, None) if price is None else (Decimal(price), "USD")
    return [LineSwing(f"line{n}", Decimal(before), Decimal(after), *worth) for n in range(count)]


def a_size(lines: int, dollars: int = 0) -> FeedSize:
    return FeedSize(lines, {"USD": Decimal(dollars)} if dollars else {})


@pytest.mark.parametrize(
    ("vanished", "lines", "believed"),
    [(19, 100, True), (20, 100, False), (9, 20, True), (10, 20, False), (10, 51, True)],
)
def test_a_fifth_of_the_lines_and_ten_at_least_are_too_many(
    vanished: int, lines: int, *, believed: bool
) -> None:
    assert (objection_to(swings(vanished), a_size(lines), FEED_RULES) is None) is believed


@pytest.mark.parametrize("few", [2, 4])
def test_a_feed_that_leaves_nothing_is_not_believed_however_few_the_lines(few: int) -> None:
    assert objection_to(swings(few), a_size(few), FEED_RULES) == (
        f"all {few} lines that had a number would vanish"
    )


def test_one_line_that_vanishes_is_no_sign_of_anything() -> None:
    assert objection_to(swings(1), a_size(1), FEED_RULES) is None


def test_a_third_of_the_money_is_too_much_although_the_lines_are_few() -> None:
    size = a_size(1_000, dollars=3_000)

    assert objection_to(swings(10, price=10), size, FEED_RULES) is not None
    assert objection_to(swings(10, price=5), size, FEED_RULES) is None


def test_numbers_that_change_by_less_than_half_are_an_ordinary_day() -> None:
    assert objection_to(swings(60, before=10, after=6), a_size(100), FEED_RULES) is None
    assert objection_to(swings(60, before=10, after=5), a_size(100), FEED_RULES) is not None


def test_numbers_that_double_are_as_unlikely_as_numbers_that_vanish() -> None:
    assert objection_to(swings(30, before=10, after=25), a_size(100), FEED_RULES) is not None
