"""Whether a decision on a usage line may be written to the PSA, and what to do first where it may not."""

# Invariant: a decision becomes a write only when the line still says what the person was shown, and when
# there is exactly one agreement line to write to, whose present quantity is known, and which no other write
# is on its way to. Whatever is not a number is never taken for one: without a typed quantity there is then
# nothing to write.
#
#   shown and stored: vendor 7, PSA 5, seal s1    decided: s1          → write 7 where 5 stands
#   stored meanwhile: vendor 9, PSA 5, seal s2    decided: s1          → stale seal, and the line as it is
#   stored: vendor unread, PSA 5, seal s3         decided: s3          → needs a quantity
#   stored: vendor unread, PSA 5, seal s3         decided: s3, typed 6 → write 6 where 5 stands

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from billing.usage.failure import has_failed
from billing.usage.usage_line import BilledLine, UsageLine
from shared.contracts.base import NoNumber
from shared.contracts.billing import LineClass
from shared.contracts.quantity_write import LineTerms


class RejectionReason(StrEnum):
    """Why a decision cannot be carried out."""

    UNKNOWN_LINE = "unknown-line"
    STALE_SEAL = "stale-seal"
    FAILED = "failed"
    NO_AGREEMENT_LINE = "no-agreement-line"
    UNKNOWN_CURRENT = "unknown-current"
    NOT_ACTIVE = "not-active"
    NEEDS_QUANTITY = "needs-quantity"
    NOTHING_TO_WRITE = "nothing-to-write"
    IN_FLIGHT = "in-flight"


class AgreementLineRef(NamedTuple):
    """Names an agreement line: line ids are the PSA's own, so two integrations may use the same one."""

    integration_id: str
    line_id: str


@dataclass(frozen=True, slots=True)
class LineDecision:
    """A person's decision on one usage line, with the seal of the evidence that they were shown."""

    line_id: str
    seal: str
    quantity: Decimal | None = None
    """What the person typed; None takes the vendor's number."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a decision cannot be carried out; `detail` is a sentence that says what to do."""

    reason: RejectionReason
    detail: str


@dataclass(frozen=True, slots=True)
class PlannedWrite:
    """Which quantity shall stand on which agreement line, and which stands there now."""

    agreement_line: BilledLine
    terms: LineTerms
    """What the person was shown of the line besides its quantity."""
    expected_current: Decimal
    target: Decimal


FIRST_STEPS: Mapping[LineClass, str] = {
    LineClass.AMBIGUOUS: "several agreement lines bill it: leave one open in the PSA, then sync",
    LineClass.UNMAPPED: "it has no place in the PSA yet: map its account and its service, then sync",
    LineClass.EXCLUDED: "it is excluded from billing: include it again in the mapping, then sync",
    LineClass.NOT_BILLED: "no agreement line bills it: add one in the PSA, then sync",
}
"""What to do about a line that has no single agreement line, by its class."""


def agreement_line_ref(billed: BilledLine) -> AgreementLineRef:
    return AgreementLineRef(billed.integration_id, billed.line_id)


def plan_write(
    decision: LineDecision,
    line: UsageLine | None,
    *,
    writable: Collection[str],
    in_flight: Mapping[AgreementLineRef, str],
) -> PlannedWrite | Rejection:
    """Plans the write that carries out a decision on a line, or says why there can be none.

    `writable` are the ids of the integrations that may be written to; `in_flight` are the ids of the
    approvals that wait for the result of their write, by the agreement line that it goes to.
    """
    if line is None or not line.present:
        detail = f"usage line {decision.line_id} is not there: list usage again"
        return Rejection(RejectionReason.UNKNOWN_LINE, detail)
    if objection := _objection(decision, line):
        return objection
    billed, terms = line.agreement_line, _terms(line)
    if billed is None or terms is None or line.line_class in FIRST_STEPS:
        step = FIRST_STEPS.get(
            line.line_class, "there is not exactly one agreement line to write to: sync again"
        )
        detail = f"usage line {line.line_id} cannot be approved: {step}"
        return Rejection(RejectionReason.NO_AGREEMENT_LINE, detail)
    if billed.integration_id not in writable:
        detail = f"integration {billed.integration_id} is not active: finish mapping or connect it again"
        return Rejection(RejectionReason.NOT_ACTIVE, detail)
    planned = _plan_quantity(decision, line, billed, terms)
    other = in_flight.get(agreement_line_ref(billed))
    if other and isinstance(planned, PlannedWrite):
        detail = f"approval {other} is being written to agreement line {billed.line_id}: wait for its result"
        return Rejection(RejectionReason.IN_FLIGHT, detail)
    return planned


def _objection(decision: LineDecision, line: UsageLine) -> Rejection | None:
    """Why nothing about the line can be decided with this seal; None when its ground holds."""
    if line.seal != decision.seal:
        detail = f"usage line {line.line_id} has changed since it was shown: look at it again, then decide"
        return Rejection(RejectionReason.STALE_SEAL, detail)
    if has_failed(line):
        detail = f"usage line {line.line_id} could not be calculated, for an error of ours: see billing's log"
        return Rejection(RejectionReason.FAILED, detail)
    return None


def _terms(line: UsageLine) -> LineTerms | None:
    """Returns the terms of the one agreement line, as the evidence shows them; None without a target."""
    billed = line.agreement_line
    if billed is None or line.psa_account_id is None or line.psa_product_id is None:
        return None
    return LineTerms(
        account_id=line.psa_account_id,
        product_id=line.psa_product_id,
        billable=True,  # the candidates of a target are its billable lines
        included=billed.included,
        unit_price=billed.unit_price,
        unit_cost=billed.unit_cost,
        currency=billed.currency,
    )


def _plan_quantity(
    decision: LineDecision, line: UsageLine, billed: BilledLine, terms: LineTerms
) -> PlannedWrite | Rejection:
    """Plans which quantity to write, for a line with exactly one agreement line."""
    target = line.vendor_count.number if decision.quantity is None else decision.quantity
    # A PSA that was not read completely may hold further lines of the target: what is written to this one
    # alone could bill the customer twice.
    if billed.quantity is None or line.psa_count.missing in (NoNumber.UNREAD, NoNumber.HELD):
        detail = f"what the PSA bills for usage line {line.line_id} is not known: sync the PSA, then decide"
        return Rejection(RejectionReason.UNKNOWN_CURRENT, detail)
    if target is None:
        why = line.vendor_count.missing or "nothing there is mapped to it"
        detail = f"the vendor gives no number for usage line {line.line_id} ({why}): type the quantity"
        return Rejection(RejectionReason.NEEDS_QUANTITY, detail)
    if target == billed.quantity:
        detail = f"agreement line {billed.line_id} bills {target:f} already: there is nothing to write"
        return Rejection(RejectionReason.NOTHING_TO_WRITE, detail)
    return PlannedWrite(billed, terms, billed.quantity, target)
