from typing import Any

import pytest

from standalone.demo.output import table
from standalone.demo.story import DemoApproval
from standalone.demo.verdict import judge

BEFORE = [{"id": 901, "quantity": 8.0}, {"id": 902, "quantity": 5.0}]


def an_approval(line_id: str = "901", number: str = "10", state: str = "written") -> DemoApproval:
    line = {"vendor_count": {"number": number}, "evidence": {"billed": [{"line_id": line_id}]}}
    return DemoApproval("increase", line, {"state": state})


def additions(**quantities: float) -> list[dict[str, Any]]:
    return [{"id": int(name[1:]), "quantity": quantity} for name, quantity in quantities.items()]


def a_write(line_id: int = 901) -> dict[str, Any]:
    return {"line_id": line_id}


def test_what_was_approved_and_nothing_else_is_proven() -> None:
    verdict = judge([an_approval()], BEFORE, additions(a901=10, a902=5), [a_write()])

    assert (verdict.written, verdict.unchanged, verdict.faults) == (1, 1, ())


@pytest.mark.parametrize(
    ("after", "writes", "fault"),
    [
        (additions(a901=8, a902=5), [a_write()], "approved at 10 and holds 8"),
        (additions(a901=10, a902=6), [a_write()], "was not approved and went from 5.0 to 6"),
        (additions(a901=10), [a_write()], "was not approved and went from 5.0 to None"),
        (additions(a901=10, a902=5, a903=1), [a_write()], "was not approved and went from None to 1"),
        (additions(a901=10, a902=5), [a_write(), a_write()], "written 2 times, 1 was right"),
        (additions(a901=10, a902=5), [], "written 0 times, 1 was right"),
        (additions(a901=10, a902=5), [a_write(), a_write(902)], "902 was written 1 times, 0 was right"),
    ],
    ids=["not written", "other changed", "other gone", "line made", "twice", "by nobody", "other written"],
)
def test_anything_else_is_a_fault(
    after: list[dict[str, Any]], writes: list[dict[str, Any]], fault: str
) -> None:
    assert fault in " ".join(judge([an_approval()], BEFORE, after, writes).faults)


def test_a_write_that_billing_does_not_call_written_is_a_fault() -> None:
    verdict = judge([an_approval(state="refused")], BEFORE, additions(a901=10, a902=5), [a_write()])

    assert verdict.faults == ("increase: billing says refused, not written",)


def test_a_line_that_held_its_quantity_already_needs_no_write() -> None:
    assert judge([an_approval(number="8")], BEFORE, BEFORE, []).faults == ()


def test_the_table_keeps_reasons_apart_from_zero() -> None:
    names = {"psa_account": "Acme", "product": "Seats", "vendor_accounts": [], "services": []}
    line = {
        "names": names,
        "vendor_count": {"number": None, "missing": "unquantified"},
        "psa_count": {"number": "0", "missing": None},
        "line_class": "no-verdict",
        "reason": "unquantified",
        "money": {"amount": None, "currency": None},
    }

    row = table([line])[1]

    assert row.split() == ["Acme", "Seats", "unquantified", "0", "no-verdict", "(unquantified)", "?"]
