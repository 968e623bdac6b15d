from collections.abc import Collection, Mapping
from decimal import Decimal

import pytest
from lines import PSA, VENDOR, a_line

from billing.approvals.eligibility import (
    AgreementLineRef,
    LineDecision,
    PlannedWrite,
    Rejection,
    RejectionReason,
    plan_write,
)
from billing.usage.usage_line import UsageLine
from shared.contracts.base import NoNumber
from shared.contracts.billing import Count, LineClass


def test_a_number_at_the_vendor_is_approved_as_it_is() -> None:
    planned = plan(a_line(vendor=7, psa=5))

    assert isinstance(planned, PlannedWrite)
    assert (planned.expected_current, planned.target) == (Decimal(5), Decimal(7))
    assert planned.agreement_line.line_id == "line_1-add-0"


def test_the_last_seat_gone_writes_zero() -> None:
    planned = plan(a_line(vendor=0, psa=5, line_class=LineClass.ENDED_STILL_BILLED))

    assert isinstance(planned, PlannedWrite)
    assert planned.target == 0


def test_a_typed_quantity_wins_over_the_vendors() -> None:
    planned = plan(a_line(vendor=7, psa=5), quantity=Decimal("6.5"))

    assert isinstance(planned, PlannedWrite)
    assert planned.target == Decimal("6.5")


@pytest.mark.parametrize("missing", sorted({*NoNumber} - {NoNumber.FAILED}))
def test_no_number_is_never_approved_without_a_person_typing_one(missing: NoNumber) -> None:
    line = a_line(vendor=missing, line_class=LineClass.NO_VERDICT)

    assert reason(plan(line)) == RejectionReason.NEEDS_QUANTITY
    assert isinstance(plan(line, quantity=Decimal(3)), PlannedWrite)


@pytest.mark.parametrize("quantity", [None, Decimal(3)], ids=["as it is", "typed"])
def test_what_could_not_be_calculated_takes_not_even_a_typed_quantity(quantity: Decimal | None) -> None:
    line = a_line(vendor=NoNumber.FAILED, line_class=LineClass.NO_VERDICT)

    assert reason(plan(line, quantity=quantity)) == RejectionReason.FAILED


def test_nothing_mapped_at_the_vendor_needs_a_typed_quantity() -> None:
    line = a_line(vendor=None, line_class=LineClass.NOT_BOUGHT)

    assert reason(plan(line)) == RejectionReason.NEEDS_QUANTITY


@pytest.mark.parametrize(
    ("line_class", "does"),
    [
        (LineClass.AMBIGUOUS, "leave one open in the PSA"),
        (LineClass.UNMAPPED, "map its account and its service"),
        (LineClass.EXCLUDED, "include it again"),
        (LineClass.NOT_BILLED, "add one in the PSA"),
    ],
)
@pytest.mark.parametrize("quantity", [None, Decimal(3)], ids=["as it is", "typed"])
def test_what_has_no_one_place_to_write_to_says_what_to_do(
    line_class: LineClass, does: str, quantity: Decimal | None
) -> None:
    several = 2 if line_class is LineClass.AMBIGUOUS else 0
    planned = plan(a_line(line_class=line_class, agreement_lines=several), quantity=quantity)

    assert isinstance(planned, Rejection)
    assert planned.reason is RejectionReason.NO_AGREEMENT_LINE
    assert does in planned.detail


def test_no_verdict_with_several_agreement_lines_takes_no_typed_quantity() -> None:
    line = a_line(vendor=NoNumber.STALE, line_class=LineClass.NO_VERDICT, agreement_lines=2)

    assert reason(plan(line, quantity=Decimal(3))) == RejectionReason.NO_AGREEMENT_LINE


def test_an_unknown_quantity_in_the_psa_is_not_overwritten() -> None:
    line = a_line(vendor=7, psa=None, line_class=LineClass.NO_VERDICT)

    assert reason(plan(line, quantity=Decimal(3))) == RejectionReason.UNKNOWN_CURRENT


@pytest.mark.parametrize("quantity", [None, Decimal(3)], ids=["as it is", "typed"])
def test_a_psa_that_was_not_completely_read_may_hold_further_lines_and_is_not_written_to(
    quantity: Decimal | None,
) -> None:
    shown = a_line(vendor=7, psa=5, line_class=LineClass.NO_VERDICT)
    line = shown.model_copy(update={"psa_count": Count(missing=NoNumber.UNREAD, known_part=Decimal(5))})

    assert reason(plan(line, quantity=quantity)) == RejectionReason.UNKNOWN_CURRENT


@pytest.mark.parametrize("quantity", [None, Decimal("7.0")], ids=["as it is", "typed"])
def test_a_line_that_bills_the_target_already_has_nothing_to_write(quantity: Decimal | None) -> None:
    planned = plan(a_line(vendor=7, psa=7, line_class=LineClass.IN_STEP), quantity=quantity)

    assert reason(planned) == RejectionReason.NOTHING_TO_WRITE


def test_a_line_in_step_may_still_be_adjusted() -> None:
    planned = plan(a_line(vendor=7, psa=7, line_class=LineClass.IN_STEP), quantity=Decimal(9))

    assert isinstance(planned, PlannedWrite)


def test_another_seal_is_stale_whatever_else_holds() -> None:
    line = a_line(vendor=7, psa=7, line_class=LineClass.IN_STEP)

    assert reason(plan(line, seal="another")) == RejectionReason.STALE_SEAL


def test_a_line_that_is_gone_or_never_was_is_unknown() -> None:
    never_there = plan_write(LineDecision("line_9", "seal"), None, writable={PSA}, in_flight={})

    assert reason(plan(a_line(present=False))) == RejectionReason.UNKNOWN_LINE
    assert reason(never_there) == RejectionReason.UNKNOWN_LINE


def test_an_integration_that_is_not_active_is_not_written_to() -> None:
    assert reason(plan(a_line(), writable={VENDOR})) == RejectionReason.NOT_ACTIVE


def test_an_agreement_line_that_is_being_written_to_takes_no_second_write() -> None:
    planned = plan(a_line(), in_flight={AgreementLineRef(PSA, "line_1-add-0"): "apr_7"})

    assert isinstance(planned, Rejection)
    assert planned.reason == RejectionReason.IN_FLIGHT
    assert "apr_7" in planned.detail


def test_an_agreement_line_of_the_same_id_in_another_psa_is_not_in_the_way() -> None:
    planned = plan(a_line(), in_flight={AgreementLineRef("int_psa_2", "line_1-add-0"): "apr_7"})

    assert isinstance(planned, PlannedWrite)


def plan(
    line: UsageLine,
    *,
    seal: str | None = None,
    quantity: Decimal | None = None,
    writable: Collection[str] = (PSA,),
    in_flight: Mapping[AgreementLineRef, str] | None = None,
) -> PlannedWrite | Rejection:
    decision = LineDecision(line.line_id, seal or line.seal, quantity)
    return plan_write(decision, line, writable=writable, in_flight=in_flight or {})


def reason(planned: PlannedWrite | Rejection) -> RejectionReason:
    assert isinstance(planned, Rejection)
    return planned.reason
