"""What may be approved on a usage line, and what to do first where it may not."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from billing.usage.usage_line import BilledLine, UsageLine
from shared.contracts.base import NoNumber
from shared.contracts.billing import LineClass


class RejectionReason(StrEnum):
    """Why a line cannot be approved as asked."""

    UNKNOWN_LINE = "unknown-line"
    STALE_SEAL = "stale-seal"
    NO_AGREEMENT_LINE = "no-agreement-line"
    UNKNOWN_CURRENT = "unknown-current"
    NOT_ACTIVE = "not-active"
    NEEDS_QUANTITY = "needs-quantity"
    NOTHING_TO_WRITE = "nothing-to-write"
    IN_FLIGHT = "in-flight"


@dataclass(frozen=True, slots=True)
class Choice:
    """A line that a person chose, the seal that they were shown, and the quantity if they typed one."""

    line_id: str
    seal: str
    quantity: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Rejection:
    """A no, with a sentence that says what to do."""

    why: RejectionReason
    sentence: str


@dataclass(frozen=True, slots=True)
class PlannedWrite:
    """A yes: what shall stand on which agreement line."""

    agreement_line: BilledLine
    expected_current: Decimal
    target: Decimal


FIRST: Mapping[LineClass, str] = {
    LineClass.AMBIGUOUS: "several agreement lines bill it: leave one open in the PSA, then sync",
    LineClass.UNMAPPED: "it has no place in the PSA yet: map its account and its service, then sync",
    LineClass.EXCLUDED: "it is excluded from billing: include it again in the mapping, then sync",
    LineClass.NOT_BILLED: "no agreement line bills it: add one in the PSA, then sync",
}


def judge_choice(
    choice: Choice, line: UsageLine | None, *, active: Collection[str]
) -> PlannedWrite | Rejection:
    """Whether the line may be written as chosen; `active` are the integrations that may be written to."""
    if line is None or not line.present:
        return Rejection(
            RejectionReason.UNKNOWN_LINE, f"usage line {choice.line_id} is not there: list usage again"
        )
    if line.seal != choice.seal:
        sentence = f"usage line {line.line_id} has changed since it was shown: look at it again, then decide"
        return Rejection(RejectionReason.STALE_SEAL, sentence)
    billed = line.agreement_line
    if billed is None or line.line_class in FIRST:
        first = FIRST.get(line.line_class, "there is not exactly one agreement line to write to: sync again")
        return Rejection(
            RejectionReason.NO_AGREEMENT_LINE, f"usage line {line.line_id} cannot be approved: {first}"
        )
    if billed.integration_id not in active:
        sentence = f"integration {billed.integration_id} is not active: finish mapping or connect it again"
        return Rejection(RejectionReason.NOT_ACTIVE, sentence)
    return _quantity(choice, line, billed)


def _quantity(choice: Choice, line: UsageLine, billed: BilledLine) -> PlannedWrite | Rejection:
    target = line.vendor_count.number if choice.quantity is None else choice.quantity
    if billed.quantity is None or line.psa_count.missing is NoNumber.UNREAD:
        sentence = f"what the PSA bills for usage line {line.line_id} is not known: sync the PSA, then decide"
        return Rejection(RejectionReason.UNKNOWN_CURRENT, sentence)
    if target is None:
        why = line.vendor_count.missing or "nothing there is mapped to it"
        sentence = f"the vendor gives no number for usage line {line.line_id} ({why}): type the quantity"
        return Rejection(RejectionReason.NEEDS_QUANTITY, sentence)
    if target == billed.quantity:
        sentence = f"agreement line {billed.line_id} bills {target:f} already: there is nothing to write"
        return Rejection(RejectionReason.NOTHING_TO_WRITE, sentence)
    return PlannedWrite(billed, billed.quantity, target)
