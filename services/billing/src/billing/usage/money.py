"""What a difference is worth per billing period: an estimate, or why none can be given."""

# Positive is used and not billed, negative is billed and not used. What has an agreement line is worth its
# price; what has none (not billed, unmapped) is worth the vendor's prices. Currencies are never added.
#
#   vendor 7, psa 5 at 20 USD → +40 USD     not billed, 3 at 1.50 and 2 at 10 → +24.50 USD
#   not billed, 8 of 15 at 1.50 → +12 USD   not billed, 15 at 1.50, rounded up to 20 → not known

from collections.abc import Iterable, Sequence
from decimal import Decimal

from billing.usage.psa_count import PsaCount
from billing.usage.shares import Share
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
        return _at_vendor_prices(vendor)
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
    if any(share.rule for share in vendor.shares):
        return None, None  # the vendor's price is that of a unit bought
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


def _at_vendor_prices(vendor: VendorCount) -> MoneyEffect:
    counting = vendor.counting
    if any(item.quantity is None or item.unit_price is None for item in counting):
        return MoneyEffect(unknown_because="the vendor gave no quantity or no price")
    currencies, worths = {item.currency for item in counting}, list[Decimal | None]()
    if all(share.is_plain for share in vendor.shares):
        worths.append(_sum_of(counting))
    else:
        adding = [share for share in vendor.shares if not share.adds_nothing]
        worths = [_worth(share, [item for item in counting if share.holds(item)]) for share in adding]
    known = [worth for worth in worths if worth is not None]
    if len(known) < len(worths):
        return MoneyEffect(unknown_because="by its rules no vendor price is that of a billed unit")
    if len(currencies) != 1 or None in currencies:
        return MoneyEffect(unknown_because="the vendor's prices are in different currencies, or in none")
    amount = sum(known, Decimal(0))
    return MoneyEffect(amount=amount, currency=currencies.pop(), basis=PriceBasis.VENDOR_PRICE)


def _worth(share: Share, items: Sequence[VendorItem]) -> Decimal | None:
    """What the line's part of these items is worth at the vendor's prices; None where that is not known.

    A rule makes other units of what is bought, and a split of subscriptions of several prices does not say
    which of them it takes.
    """
    if share.is_plain:
        return _sum_of(items)
    prices = {item.unit_price for item in items}
    if share.rule or len(prices) > 1:
        return None
    return share.quantity(items) * (prices.pop() or Decimal(0)) if prices else Decimal(0)


def _sum_of(items: Iterable[VendorItem]) -> Decimal:
    return sum(
        (item.quantity * item.unit_price for item in items if item.quantity and item.unit_price), Decimal(0)
    )
