import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from psa_sync.connectors.connectwise import rows
from psa_sync.psa import Agreement, LastUpdate, PsaLine, UnreadableRow
from shared.errors import UnexpectedResponse

RECORDED = Path(__file__).parents[2] / "data/psa/connectwise"


def recorded(name: str) -> list[Any]:
    return list(json.loads((RECORDED / f"{name}.json").read_text(), parse_float=Decimal))


def agreements() -> dict[str, Agreement]:
    return {found.agreement_id: found for found in map(rows.agreement, recorded("agreements"))}


def lines(agreement_id: str = "77") -> dict[str, PsaLine]:
    of = agreements()[agreement_id]
    return {found.line_id: found for found in (rows.line(row, of) for row in recorded("additions"))}


def test_a_company_is_there_unless_it_is_flagged_as_deleted() -> None:
    acme, _, gone = map(rows.company, recorded("companies"))

    assert (acme.company_id, acme.key, acme.name, acme.present) == ("19297", "AcmeCo", "Acme Co", True)
    assert not gone.present


def test_a_product_is_known_by_its_identifier() -> None:
    edr, old = map(rows.product, recorded("catalog"))

    assert (edr.product_id, edr.key, edr.name, edr.active) == ("512", "EDR-SEAT", "EDR per seat", True)
    assert not old.active


def test_an_agreement_without_an_end_has_none() -> None:
    agreement = agreements()["77"]

    assert (agreement.starts_on, agreement.ends_on) == (date(2026, 1, 1), None)
    assert (agreement.company_id, agreement.currency, agreement.cancelled) == ("19297", "USD", False)


def test_the_day_after_the_last_is_the_first_that_is_not_billed() -> None:
    assert agreements()["78"].ends_on == date(2026, 1, 1)


def test_an_agreement_until_the_end_of_time_has_no_end() -> None:
    row = recorded("agreements")[0] | {"noEndingDateFlag": False, "endDate": "9999-12-31T00:00:00Z"}

    assert rows.agreement(row).ends_on is None


def test_a_cancelled_agreement_ends_when_it_was_cancelled() -> None:
    agreement = agreements()["79"]

    assert (agreement.cancelled, agreement.ends_on) == (True, date(2025, 6, 15))


def test_a_cancellation_ahead_of_its_date_is_no_cancellation_yet() -> None:
    row = recorded("agreements")[2] | {"agreementStatus": "Active", "dateCancelled": "2099-01-01T00:00:00Z"}

    agreement = rows.agreement(row)

    assert (agreement.cancelled, agreement.ends_on) == (False, date(2099, 1, 1))


@pytest.mark.parametrize(
    ("status", "bills"), [("Active", True), ("Expired", True), ("Inactive", False), ("Cancelled", False)]
)
def test_an_agreement_bills_unless_it_is_switched_off(status: str, bills: bool) -> None:
    """That it has expired is told by its dates, which are the authority."""
    row = recorded("agreements")[0] | {"agreementStatus": status}

    assert rows.agreement(row).cancelled is not bills


def test_numbers_are_exact_and_a_missing_one_is_not_zero() -> None:
    found = lines()

    assert [found[id_].quantity for id_ in found] == [Decimal(10), Decimal("2.5"), None, Decimal(0)]
    assert (found["901"].unit_price, found["901"].unit_cost) == (Decimal("3.5"), Decimal("1.2"))
    assert (found["902"].included, found["903"].included) == (Decimal(5), None)


def test_only_billable_lines_of_agreements_that_are_not_cancelled_are_billed() -> None:
    assert [line.billable for line in lines("77").values()] == [True, False, False, True]
    assert not any(line.billable for line in lines("79").values())


def test_an_unset_date_is_missing_null_or_empty() -> None:
    found = lines()

    assert [found[id_].until_day for id_ in ("901", "903", "904")] == [None, None, None]


def test_a_date_is_the_day_in_utc() -> None:
    line = lines()["902"]

    assert (line.from_day, line.until_day) == (date(2026, 1, 1), date(2026, 3, 1))


def test_a_line_runs_while_both_it_and_its_agreement_do() -> None:
    assert (lines("78")["901"].starts_on, lines("78")["902"].ends_on) == (date(2026, 1, 15), date(2026, 1, 1))
    assert (lines("77")["903"].starts_on, lines("77")["903"].ends_on) == (date(2026, 1, 1), None)


def test_of_a_row_that_cannot_be_parsed_the_ids_are_kept_that_can_be_read() -> None:
    row = recorded("additions")[0] | {"quantity": "many"}

    assert rows.unreadable(row, "odd") == UnreadableRow("901", "odd", product_id=str(row["product"]["id"]))
    assert rows.unreadable(row | {"product": "512"}, "odd") == UnreadableRow("901", "odd")
    assert rows.unreadable("not a row", "odd") == UnreadableRow("", "odd")


BROKEN = [
    pytest.param({"product": {}}, id="no product"),
    pytest.param({"product": None}, id="product is null"),
    pytest.param({"id": "x"}, id="the id is no number"),
    pytest.param({"quantity": "many"}, id="the quantity is no number"),
    pytest.param({"effectiveDate": "soon"}, id="the date is no date"),
    pytest.param(
        {"effectiveDate": "0001-01-01T00:00:00+14:00"}, id="the day in UTC lies before the calendar"
    ),
    pytest.param(
        {"cancelledDate": "9999-12-31T23:59:59-12:00"}, id="the day in UTC lies behind the calendar"
    ),
]


@pytest.mark.parametrize("change", BROKEN)
def test_a_row_that_cannot_be_read_is_named(change: dict[str, Any]) -> None:
    with pytest.raises(UnexpectedResponse, match="addition"):
        rows.line(recorded("additions")[0] | change, agreements()["77"])


def test_a_row_that_is_no_object_is_unexpected() -> None:
    with pytest.raises(UnexpectedResponse, match="no object"):
        rows.company(["not", "an", "object"])  # type: ignore[arg-type]  # what a far side may send


def test_a_currency_longer_than_any_is_refused_with_its_row() -> None:
    row = {"id": 7, "name": "Managed", "company": {"id": 1}, "currency": {"name": "X" * 51}}

    with pytest.raises(UnexpectedResponse, match="51 characters; the most is 50"):
        rows.agreement(row)


def test_names_and_codes_are_shown_without_what_drives_a_terminal() -> None:
    row = {"id": 7, "identifier": "CON\t", "name": "\x1b[2JContoso\r\n\u202e"}

    company = rows.company(row)

    assert (company.key, company.name) == ("CON ", "\ufffd[2JContoso  \ufffd")


def test_a_line_says_who_changed_it_last_and_when() -> None:
    row = recorded("additions")[0] | {"_info": {"lastUpdated": "2026-02-03T10:11:12Z", "updatedBy": "jdoe"}}

    update = rows.line(row, agreements()["77"]).last_update

    assert update == LastUpdate(datetime(2026, 2, 3, 10, 11, 12, tzinfo=UTC), "jdoe")


@pytest.mark.parametrize(
    "info",
    [
        None,
        "2026",
        {},
        {"lastUpdated": None},
        {"lastUpdated": 7},
        {"lastUpdated": "yesterday"},
        {"lastUpdated": "0001-01-01T00:00:00+14:00"},
    ],
    ids=str,
)
def test_a_line_without_a_readable_stamp_is_a_line_all_the_same(info: Any) -> None:
    line = rows.line(recorded("additions")[0] | {"_info": info}, agreements()["77"])

    assert (line.line_id, line.last_update) == ("901", None)
