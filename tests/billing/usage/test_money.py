from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from observation_builders import a_line, a_subscription, an_agreement_line
from usage_builders import the_line

from billing.usage.totals import TotalsTally
from shared.contracts.billing import LineClass, MoneyEffect

AMOUNTS = st.lists(
    st.tuples(st.decimals("-999999", "999999", places=2), st.sampled_from(["USD", "EUR", "CHF"])), max_size=30
)


@pytest.mark.parametrize(("bought", "billed", "amount"), [(7, 5, 40), (3, 5, -40), (5, 5, 0), (0, 5, -100)])
def test_a_difference_is_worth_the_psas_price(bought: int, billed: int, amount: int) -> None:
    money = the_line(a_subscription(bought), an_agreement_line(billed)).money

    assert (money.amount, money.currency, money.basis) == (Decimal(amount), "USD", "psa-price")


def test_what_is_not_billed_is_worth_the_vendors_prices() -> None:
    cheap = a_subscription(lines=(a_line(3, unit_price=Decimal("1.5")),))

    money = the_line(cheap, a_subscription(2, id_="sub2")).money

    assert (money.amount, money.currency, money.basis) == (Decimal("24.5"), "USD", "vendor-price")


def test_vendor_prices_in_two_currencies_are_never_added() -> None:
    euro = a_subscription(id_="sub2", lines=(a_line(1, currency="EUR"),))

    money = the_line(a_subscription(5), euro).money

    assert money.amount is None
    assert money.unknown_because


@pytest.mark.parametrize(
    "line",
    [{"included": Decimal(2)}, {"included": None}, {"unit_price": None}],
    ids=["included units", "perhaps included units", "no price"],
)
def test_money_is_unknown_rather_than_guessed(line: dict[str, Any]) -> None:
    money = the_line(a_subscription(7), an_agreement_line(5, **line)).money

    assert money.amount is None
    assert money.unknown_because


def test_an_agreement_line_without_a_currency_bills_in_the_tenants() -> None:
    assert the_line(a_subscription(7), an_agreement_line(5, currency=None)).money.currency == "USD"


def test_what_is_unmapped_shows_what_may_be_lost() -> None:
    assert the_line(a_subscription(5), services=()).money.amount == 50


def test_an_ambiguous_line_has_no_money() -> None:
    two = an_agreement_line(5), an_agreement_line(2, id_="add2")

    assert the_line(a_subscription(5), *two).money.amount is None


@given(AMOUNTS)
def test_totals_keep_currencies_apart(amounts: list[tuple[Decimal, str]]) -> None:
    tally = TotalsTally()

    for amount, currency in amounts:
        money = MoneyEffect(amount=amount, currency=currency)
        tally.add(LineClass.VENDOR_HIGHER, money, both_numbers=True)

    for currency, total in tally.totals.money.items():
        assert total == sum(amount for amount, other in amounts if other == currency)
