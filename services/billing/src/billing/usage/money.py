"""What a difference is worth per billing period: an estimate, or why none can be given."""

# Positive is used and not billed, negative is billed and not used. What has an agreement line is worth its
# price; what has none (not billed, unmapped) is worth the vendor's prices. Currencies are never added.
#
#   vendor 7, psa 5 at 20 USD → +40 USD     not billed, 3 at 1.50 and 2 at 10 → +24.50 USD

from collections.abc import Sequence
from decimal import Decimal

from billing.usage.psa_count import PsaCount
from billing.usage.usage_line import BilledLine, VendorItem
from billing.usage.vendor_count import VendorCount
from shared.contracts.billing import LineClass, MoneyEffect, PriceBasis

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


def estimate(line_class: LineClass, vendor: VendorCount, psa: PsaCount) -> MoneyEffect:
    """The money effect of a line of this class."""
    if line_class in (LineClass.NOT_BILLED, LineClass.UNMAPPED):
        return _at_vendor_prices(vendor.counting)
    if not vendor.anything_mapped and line_class is LineClass.NOT_BOUGHT:
        return MoneyEffect(unknown_because="no vendor account is mapped to the company")
    if psa.billed and (line_class is LineClass.IN_STEP or line_class in DIFFERENCES):
        difference = (vendor.count.number or Decimal(0)) - (psa.count.number or Decimal(0))
        return _at_psa_price(difference, psa.billed[0])
    return MoneyEffect(unknown_because=f"the line is {line_class}")


def unit_worth(vendor: VendorCount, psa: PsaCount) -> tuple[Decimal | None, str | None]:
    """What one unit of a line is worth and in which currency: at the PSA's price, else at the vendor's."""
    if len(psa.billed) == 1 and psa.billed[0].unit_price is not None:
        return psa.billed[0].unit_price, psa.billed[0].currency
    priced = [item for item in vendor.counting if item.unit_price is not None]
    return (priced[0].unit_price, priced[0].currency) if priced else (None, None)


def _at_psa_price(difference: Decimal, billed: BilledLine) -> MoneyEffect:
    # Included units are part of a flat price: beyond how many a unit costs extra is not known.
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


def _at_vendor_prices(counting: Sequence[VendorItem]) -> MoneyEffect:
    amount, currencies = Decimal(0), set[str | None]()
    for item in counting:
        if item.quantity is None or item.unit_price is None:
            return MoneyEffect(unknown_because="the vendor gave no quantity or no price")
        amount += item.quantity * item.unit_price
        currencies.add(item.currency)
    if len(currencies) != 1 or None in currencies:
        return MoneyEffect(unknown_because="the vendor's prices are in different currencies, or in none")
    return MoneyEffect(amount=amount, currency=currencies.pop(), basis=PriceBasis.VENDOR_PRICE)
