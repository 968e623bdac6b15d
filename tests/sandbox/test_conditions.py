"""The language of `conditions`."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.connectwise.conditions import compile_conditions
from sandbox.connectwise.errors import ConnectWiseRefusal
from sandbox.connectwise.fields import ADDITION, AGREEMENT, Record

STAMP = "%Y-%m-%dT%H:%M:%SZ"
MOMENTS = st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - naive is asked for
LINE: Record = {
    "id": 901,
    "product": {"id": 512, "identifier": 'EDR "seat" [x]'},
    "quantity": 10.0,
    "billCustomer": "Billable",
    "effectiveDate": "2026-01-01T00:00:00Z",
    "taxableFlag": True,
    "description": "EDR per seat",
    "_info": {"lastUpdated": "2026-02-03T10:11:12Z"},
}


@pytest.mark.parametrize(
    "text",
    [
        "id = 901",
        "id=901 and quantity = 10",
        "id != 902",
        "quantity > 9.5 and quantity >= 10 and quantity < 11 and quantity <= 10",
        "product/id = 512",
        "taxableFlag = True",
        "taxableFlag != false",
        'billCustomer = "billable"',
        'description contains "per SEAT"',
        'description like "edr*" and description like "%seat"',
        'description not like "x%"',
        "id in (1, 901, 3)",
        "id not in (1,2)",
        'billCustomer in ("DoNotBill","Billable")',
        "cancelledDate = null",
        "effectiveDate != null",
        "product != null",
        "cancelledDate=null or id=1",
        "effectiveDate >= [2026-01-01T00:00:00Z]",
        "effectiveDate = [2026-01-01]",
        "effectiveDate < [2026-01-01T02:00:00+01:00]",
        "lastUpdated > [2026-02-03] and _info/lastUpdated < [2026-02-04]",
        "not (id = 1)",
        "not id = 1 and not (quantity = 1 or quantity = 2)",
        "id = 1 or id = 2 or (id = 901 AND quantity = 10)",
        'product/identifier = "EDR \\"seat\\" [[]x]"',
    ],
)
def test_a_condition_that_holds_finds_the_line(text: str) -> None:
    assert compile_conditions(text, ADDITION)(LINE)


@pytest.mark.parametrize(
    "text",
    [
        "id = 902",
        "cancelledDate != null",
        "cancelledDate > [2020-01-01]",
        "lessIncluded = 0",
        "lessIncluded != 0",
        'serialNumber like "*"',
        "id in (1,2)",
        "effectiveDate > [2026-01-01T00:00:00Z]",
        "id = 901 and (quantity = 1 or quantity = 2)",
    ],
)
def test_a_condition_that_does_not_hold_leaves_the_line_out(text: str) -> None:
    assert not compile_conditions(text, ADDITION)(LINE)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("colour = 1", "colour"),
        ("company/colour = 1", "company/colour"),
        ("Id = 1", "Id"),
        ('id = "1"', "conditions"),
        ("name = 5", "conditions"),
        ("startDate > 2026-01-01", "conditions"),
        ("startDate > [soon]", "conditions"),
        ("cancelledFlag = 1", "conditions"),
        ("company = 5", "conditions"),
        ("id < null", "conditions"),
        ("id =", "conditions"),
        ("id = 1 and", "conditions"),
        ("(id = 1", "conditions"),
        ("id = 1)", "conditions"),
        ("id in ()", "conditions"),
        ("id between 1", "conditions"),
        ("id = 1; drop", "conditions"),
        ('name = "open', "conditions"),
    ],
)
def test_a_bad_condition_is_an_invalid_object_that_names_the_field(text: str, field: str) -> None:
    with pytest.raises(ConnectWiseRefusal) as refusal:
        compile_conditions(text, AGREEMENT)

    assert refusal.value.status == 400
    assert refusal.value.body["code"] == "InvalidObject"
    assert refusal.value.body["errors"][0]["field"] == field


@given(st.text(max_size=60))
@settings(deadline=None)
def test_any_text_is_either_understood_or_refused(text: str) -> None:
    try:
        verdict: Any = compile_conditions(text, ADDITION)(LINE)
    except ConnectWiseRefusal as refusal:
        verdict = refusal.status == 400

    assert isinstance(verdict, bool)


@given(st.text(alphabet=st.characters(exclude_characters="[", exclude_categories=["Cs"]), max_size=30))
@settings(deadline=None)
def test_any_text_can_be_asked_for_when_it_is_quoted(name: str) -> None:
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')

    assert compile_conditions(f'name = "{quoted}"', AGREEMENT)({"name": name})


@given(MOMENTS, MOMENTS)
@settings(deadline=None)
def test_dates_compare_as_moments(asked: datetime, held: datetime) -> None:
    record = {"startDate": held.strftime(STAMP)}

    later = compile_conditions(f"startDate > [{asked.strftime(STAMP)}]", AGREEMENT)(record)

    assert later == (held.replace(microsecond=0) > asked.replace(microsecond=0))
