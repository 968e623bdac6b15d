"""Classifies a usage line by its two counts (architecture §4, *Classes*)."""

# The PSA's side is judged first: where its number is not known, or a person must choose among agreement
# lines, no vendor number gives a verdict. A missing number is never taken for zero.
#
#   vendor 7, psa 5 → vendor-higher     7, no line bills it → not-billed
#   vendor 3, psa 5 → psa-higher        0, all ended → ended-still-billed     nothing ever → not-bought

from decimal import Decimal

from billing.usage.psa_count import PsaCount
from billing.usage.usage_line import Classification, CountStatus
from billing.usage.vendor_count import VendorCount
from shared.contracts.base import NoNumber
from shared.contracts.billing import LineClass


def classify(vendor: VendorCount, psa: PsaCount) -> Classification:
    """The class of a line that has a target, with the reason where there is no verdict."""
    bought, billed = vendor.count, psa.count
    # Only `unquantified`: a PSA that is disconnected or not completely read may hold another number of lines.
    if len(psa.billed) > 1 and billed.missing is NoNumber.UNQUANTIFIED:
        return Classification(LineClass.AMBIGUOUS)
    if billed.number is None:
        return Classification(LineClass.NO_VERDICT, f"psa {billed.missing}")
    if not vendor.anything_mapped and vendor.preview is None:
        return Classification(LineClass.NOT_BOUGHT, bought.detail)
    if bought.number is None:
        return Classification(LineClass.NO_VERDICT, f"vendor {bought.missing or 'pending'}")
    return Classification(_compared(vendor, psa, bought.number, billed.number))


def _compared(vendor: VendorCount, psa: PsaCount, bought: Decimal, billed: Decimal) -> LineClass:
    if bought == billed:
        return LineClass.IN_STEP
    if bought > billed:
        return LineClass.VENDOR_HIGHER if psa.billed else LineClass.NOT_BILLED
    return _overbilled(vendor)


def _overbilled(vendor: VendorCount) -> LineClass:
    """The class of a line of which the PSA bills more than is bought.

    An active subscription of zero seats has not ended: its line is `psa-higher`, not `ended-still-billed`.
    """
    live = [item for item in vendor.items if item.standing is not CountStatus.ENDED]
    if live:
        return LineClass.PSA_HIGHER
    return LineClass.ENDED_STILL_BILLED if vendor.items or vendor.ended.count else LineClass.NOT_BOUGHT
