"""What two counts say together (architecture §4, *Classes*)."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from billing.usage.psa_count import AMBIGUOUS, NO_LINE
from billing.usage.usage_line import CountStatus, VendorItem
from shared.contracts.billing import Count, LineClass


@dataclass(frozen=True, slots=True)
class Classification:
    """A class, with the reason where it is none of the others."""

    line_class: LineClass
    reason: str | None = None


def classify(vendor: Count, psa: Count, items: Sequence[VendorItem]) -> Classification:
    """Compare a target's counts; a side without a number gives no verdict, the PSA's side first.

    Several open agreement lines are told before the vendor's number is known: a person must choose anyway.
    """
    if psa.detail == AMBIGUOUS:
        return Classification(LineClass.AMBIGUOUS)
    if psa.number is None:
        return Classification(LineClass.NO_VERDICT, f"psa {psa.missing}")
    if vendor.number is None:
        return Classification(LineClass.NO_VERDICT, f"vendor {vendor.missing}")
    if vendor.number < psa.number:
        return Classification(_psa_higher(vendor.number, items))
    if vendor.number == psa.number:
        return Classification(LineClass.IN_STEP)
    return Classification(LineClass.NOT_BILLED if psa.detail == NO_LINE else LineClass.VENDOR_HIGHER)


def _psa_higher(bought: Decimal, items: Sequence[VendorItem]) -> LineClass:
    """An active subscription of zero seats was not ended: that is a number like any other."""
    if bought:
        return LineClass.PSA_HIGHER
    if not items:
        return LineClass.NOT_BOUGHT
    ended = all(item.standing in (CountStatus.ENDED, CountStatus.ABSENT) for item in items)
    return LineClass.ENDED_STILL_BILLED if ended else LineClass.PSA_HIGHER
