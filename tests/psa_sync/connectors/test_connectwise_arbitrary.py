"""Whatever JSON ConnectWise answers, a row is a model that can be billed by, or is refused by name."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from arbitrary_json import rows as arbitrary_rows
from hypothesis import given, settings

from psa_sync.connectors.connectwise import rows
from psa_sync.psa import Agreement, Company, PsaLine
from shared.contracts.fields import checked_id, checked_read_number
from shared.errors import UnexpectedResponse

FIELDS = (
    *("id", "identifier", "name", "description", "deletedFlag", "inactiveFlag", "cancelledFlag", "company"),
    *("dateCancelled", "agreementStatus", "startDate", "endDate", "noEndingDateFlag", "currency", "product"),
    *("currencyCode", "quantity", "lessIncluded", "unitPrice", "unitCost", "billCustomer", "effectiveDate"),
    "cancelledDate",
)
PARENT = Agreement(agreement_id="4", name="Managed", company_id="2", cancelled=False)
COMPANY: dict[str, Any] = {"id": 2, "identifier": "contoso", "name": "Contoso"}
AGREEMENT: dict[str, Any] = {"id": 4, "name": "Managed", "company": {"id": 2}}
LINE: dict[str, Any] = {"id": 9, "product": {"id": 3}, "quantity": 5, "billCustomer": "Billable"}


@settings(max_examples=300)
@given(row=arbitrary_rows(FIELDS))
def test_any_json_is_a_model_or_refused(row: Any) -> None:
    for parse in (rows.company, rows.product, rows.agreement, rows.written_quantity, line_of):
        assert len(refusal_of(parse, row)) <= 2_000


@settings(max_examples=300)
@given(value=arbitrary_rows(FIELDS))
def test_a_sound_row_with_one_odd_field_is_a_model_or_refused_by_its_id(value: Any) -> None:
    for name in FIELDS:
        if name == "id":
            continue
        for sound, parse in ((COMPANY, rows.company), (AGREEMENT, rows.agreement), (LINE, line_of)):
            refusal = refusal_of(parse, sound | {name: value})
            assert not refusal or f" {sound['id']} cannot be read" in refusal


def line_of(row: Any) -> PsaLine:
    return rows.line(row, PARENT)


def refusal_of(parse: Callable[[Any], object], row: Any) -> str:
    """Returns why the row is refused; empty when it is a model by which can be billed."""
    try:
        model = parse(row)
    except UnexpectedResponse as error:
        return str(error)
    assert_billable(model)
    return ""


def assert_billable(model: object) -> None:
    days: tuple[date | None, ...] = ()
    if isinstance(model, Company):
        checked_id(model.company_id)
    elif isinstance(model, Agreement):
        days = (model.starts_on, model.ends_on)
    elif isinstance(model, PsaLine):
        assert model.quantity is None or model.quantity >= 0
        days = (model.from_day, model.until_day)
        for number in (model.quantity, model.included, model.unit_price, model.unit_cost):
            assert number is None or checked_read_number(number) is number
    assert all(day is None or day.year >= 1900 for day in days)


@pytest.mark.parametrize(
    ("quantity", "why"),
    [
        (-5, "-5 is no quantity"),
        (True, "True is no number"),
        ("ten", "'ten' is no number"),
        ("NaN", "'NaN' is no number"),
        ({}, "a dict is no number"),
    ],
)
def test_a_quantity_that_is_none_refuses_its_line_with_the_reason(quantity: object, why: str) -> None:
    with pytest.raises(UnexpectedResponse, match="addition 9 cannot be read") as raised:
        line_of(LINE | {"quantity": quantity})

    assert why in str(raised.value)


@pytest.mark.parametrize("id_", [True, 1.5, "1_2", " 7", "-7x", None, [], 0.0])
def test_an_id_that_is_no_whole_number_refuses_its_row(id_: object) -> None:
    with pytest.raises(UnexpectedResponse):
        rows.company(COMPANY | {"id": id_})


@pytest.mark.parametrize("flag", ["false", "true", 0, 1, [], {}])
def test_a_flag_that_is_no_truth_value_deletes_nothing_and_refuses_its_row(flag: object) -> None:
    with pytest.raises(UnexpectedResponse, match="company 2 cannot be read"):
        rows.company(COMPANY | {"deletedFlag": flag})


@pytest.mark.parametrize("day", ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00"])
def test_a_day_of_the_year_1_refuses_its_line(day: str) -> None:
    with pytest.raises(UnexpectedResponse, match="addition 9 cannot be read"):
        line_of(LINE | {"cancelledDate": day})


@pytest.mark.parametrize("day", ["9999-12-31", "9999-12-31T00:00:00Z", "9999-12-30T00:00:00Z"])
def test_a_day_at_the_end_of_the_calendar_is_the_way_to_say_that_there_is_no_end(day: str) -> None:
    assert line_of(LINE | {"cancelledDate": day}).until_day is None
    assert rows.agreement(AGREEMENT | {"endDate": day, "dateCancelled": day}).ends_on is None
