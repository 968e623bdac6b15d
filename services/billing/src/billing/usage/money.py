"""What a difference is worth per billing period: an estimate, or why none can be given.

Currencies are never added; an amount stands in the currency of the price that it rests on.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from billing.usage.usage_line import BilledLine, CountStatus, VendorItem
from shared.contracts.billing import Count, LineClass, MoneyEffect, PriceBasis

DIFFERENCES = frozenset(
    {
        LineClass.VENDOR_HIGHER,
        LineClass.PSA_HIGHER,
        LineClass.NOT_BILLED,
        LineClass.ENDED_STILL_BILLED,
        LineClass.NOT_BOUGHT,
    }
)
"""The classes whose money is the effect of a difference."""


def estimate(
    line_class: LineClass,
    counts: tuple[Count, Count],
    items: Sequence[VendorItem],
    billed: Sequence[BilledLine],
) -> MoneyEffect:
    """`counts` are the vendor's and the PSA's; positive money is not billed, negative is billed too much."""
    if line_class in (LineClass.NOT_BILLED, LineClass.UNMAPPED):
        return _at_vendor_prices(items)
    if billed and (line_class is LineClass.IN_STEP or line_class in DIFFERENCES):
        vendor, psa = counts
        return _at_psa_price((vendor.number or Decimal(0)) - (psa.number or Decimal(0)), billed[0])
    return MoneyEffect(unknown_because=f"the line is {line_class}")


def _at_psa_price(difference: Decimal, billed: BilledLine) -> MoneyEffect:
    if difference and billed.included != 0:
        return MoneyEffect(unknown_because="the agreement line has included units")
    if billed.currency is None:
        return MoneyEffect(unknown_because="the agreement line has no currency")
    if not difference:
        return MoneyEffect(amount=Decimal(0), currency=billed.currency, basis=PriceBasis.PSA_PRICE)
    if billed.unit_price is None:
        return MoneyEffect(unknown_because="the agreement line has no price")
    return MoneyEffect(
        amount=difference * billed.unit_price, currency=billed.currency, basis=PriceBasis.PSA_PRICE
    )


def _at_vendor_prices(items: Iterable[VendorItem]) -> MoneyEffect:
    counting = [item for item in items if item.standing is CountStatus.COUNTING]
    if any(item.quantity is None or item.unit_price is None for item in counting):
        return MoneyEffect(unknown_because="the vendor gave no quantity or no price")
    currencies = {item.currency for item in counting}
    if len(currencies) != 1 or None in currencies:
        return MoneyEffect(unknown_because="the vendor's prices are in different currencies, or in none")
    amount = sum(
        ((item.quantity or Decimal(0)) * (item.unit_price or Decimal(0)) for item in counting), Decimal(0)
    )
    return MoneyEffect(amount=amount, currency=currencies.pop(), basis=PriceBasis.VENDOR_PRICE)
