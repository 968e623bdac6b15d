from decimal import Decimal

from billing.usage.totals import TotalsTally
from shared.contracts.billing import LineClass, MoneyEffect


def add(tally: TotalsTally, currency: str, amount: int) -> None:
    money = MoneyEffect(amount=Decimal(amount), currency=currency)
    tally.add(LineClass.VENDOR_HIGHER, money, both_numbers=True)


def test_currencies_beyond_the_five_hundredth_are_counted_and_not_summed() -> None:
    tally = TotalsTally()
    for number in range(503):
        add(tally, f"C{number}", 1)
    add(tally, "C0", 4)

    assert (len(tally.totals.money), tally.totals.unsummed) == (500, 3)
    assert tally.totals.money["C0"] == 5
    assert tally.totals.by_class == {"vendor-higher": 504}
