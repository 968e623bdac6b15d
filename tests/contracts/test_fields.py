"""What a message may hold: the largest of everything still fits into what Kafka takes."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from pydantic import ValidationError

from shared import limits
from shared.contracts.base import Outcome, RunKind
from shared.contracts.psa_sync import WriteQuantity
from shared.contracts.quantity_write import LineTerms
from shared.contracts.vendor_sync import (
    ServiceObserved,
    SubscriptionLine,
    SubscriptionObserved,
    SubscriptionStatus,
    VendorRunFinished,
)

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
KAFKA_TAKES_BYTES = 1_000_000


def a_run_finished(**fields: object) -> VendorRunFinished:
    told = {
        "tenant_id": "demo",
        "integration_id": "int_1",
        "run_id": "run_1",
        "sync_id": "s1",
        "generation": 1,
        "kind": RunKind.FULL,
        "outcome": Outcome.PARTIAL,
        "first_revision": 1,
        "manifests": 0,
        "counts": {},
        "coverage": 1,
        "started_at": NOW,
        "finished_at": NOW,
    }
    return VendorRunFinished.model_validate(told | fields)


def test_a_reason_of_three_million_characters_is_shortened_and_says_so() -> None:
    reason = a_run_finished(reason="subscription " + "7" * 3_000_000).reason

    assert reason is not None
    assert (len(reason), reason[-1]) == (2000, "…")


def test_a_reason_with_half_a_surrogate_pair_can_still_be_sent() -> None:
    assert b"odd ? name" in a_run_finished(reason="odd \ud83d name").model_dump_json().encode()


@pytest.mark.parametrize("field", ["tenant_id", "integration_id", "run_id", "sync_id"])
@pytest.mark.parametrize("text", ["", "7" * 201, "\ud83d"], ids=["empty", "long", "surrogate"])
def test_an_id_is_refused_and_never_shortened(field: str, text: str) -> None:
    with pytest.raises(ValidationError):
        a_run_finished(**{field: text})


@pytest.mark.parametrize(
    "number", ["1E+520000", "1E+9999999", "1E-9999999", "1" * 41, "1" * 29, "0." + "1" * 29, "NaN"]
)
def test_a_number_of_too_many_digits_is_refused_before_it_is_written_out(number: str) -> None:
    with pytest.raises(ValidationError):
        a_run_finished(coverage=Decimal(number))


def test_a_zero_with_a_huge_exponent_is_zero() -> None:
    assert b'"coverage":"0"' in a_run_finished(coverage=Decimal("0E+520000")).model_dump_json().encode()


def test_the_largest_subscription_fits_into_what_kafka_takes() -> None:
    number = Decimal("999999999999.9999999999999999")
    line = SubscriptionLine(
        service_id="s" * 200, quantity=number, unit_cost=number, unit_price=number, currency="€" * 200
    )
    subscription = SubscriptionObserved(
        tenant_id="t" * 200,
        integration_id="i" * 200,
        run_id="r" * 200,
        revision=1_700_000_000_000_000,
        generation=2**63 - 1,
        observed_at=NOW,
        subscription_id="n" * 200,
        account_id="a" * 200,
        name="€" * 600,
        status=SubscriptionStatus.TERMINATED,
        created_on=date.max,
        renews_on=date.max,
        expires_on=date.max,
        detailed=True,
        lines=(line,) * 1000,
    )

    assert len(subscription.model_dump_json().encode()) < KAFKA_TAKES_BYTES
    with pytest.raises(ValidationError, match="1000"):
        SubscriptionObserved.model_validate(subscription.model_dump() | {"lines": (line,) * 1001})


def test_a_moment_in_the_future_is_refused_and_one_of_a_clock_that_is_ahead_is_taken() -> None:
    ahead = datetime.now(UTC) + timedelta(hours=20)

    assert a_run_finished(finished_at=ahead).finished_at == ahead
    for future in (datetime.now(UTC) + timedelta(hours=25), datetime.max.replace(tzinfo=UTC)):
        with pytest.raises(ValidationError, match="lies in the future"):
            a_run_finished(finished_at=future)


@pytest.mark.parametrize("hours_east", [-23, -12, 0, 14, 23])
def test_a_moment_is_judged_by_when_it_is_and_not_by_what_a_clock_on_its_wall_shows(hours_east: int) -> None:
    now, zone = datetime.now(UTC), timezone(timedelta(hours=hours_east))
    a_run_finished(finished_at=now)  # the time that was reached is known by now

    for hours_ahead in (-1, 23):
        moment = (now + timedelta(hours=hours_ahead)).astimezone(zone)
        assert a_run_finished(finished_at=moment).finished_at == moment
    with pytest.raises(ValidationError, match="lies in the future"):
        a_run_finished(finished_at=(now + timedelta(hours=25)).astimezone(zone))


@pytest.mark.parametrize("revision", [2**62, 2**63, 10**30], ids=str)
def test_a_revision_that_would_outrank_all_later_ones_is_refused(revision: int) -> None:
    with pytest.raises(ValidationError, match="larger than any that can have been taken"):
        a_run_finished(first_revision=revision)


def test_a_deadline_lies_where_days_can_be_added_to_it() -> None:
    command = {
        "tenant_id": "t",
        "integration_id": "i",
        "agreement_id": "a",
        "line_id": "1",
        "approval_id": "p",
    }
    terms = dict.fromkeys(LineTerms.model_fields) | {"account_id": "c", "product_id": "p", "billable": True}
    seen = {"terms": terms, "day": NOW.date(), "day_ends_at": NOW}
    numbers = {"expected_current": 5, "target": 7, **seen}

    assert WriteQuantity.model_validate({**command, **numbers, "valid_until": NOW}).valid_until == NOW
    with pytest.raises(ValidationError, match="too far away"):
        WriteQuantity.model_validate({**command, **numbers, "valid_until": "9999-12-31T23:59:59Z"})


def a_line(**fields: object) -> dict[str, object]:
    return {"service_id": "svc_1", "quantity": 1} | fields


OBSERVED = {
    "tenant_id": "demo",
    "integration_id": "int_1",
    "run_id": "run_1",
    "revision": 1,
    "generation": 1,
    "observed_at": NOW,
}
SUBSCRIPTION = OBSERVED | {
    "subscription_id": "7",
    "account_id": "8",
    "name": "Mail",
    "status": "active",
    "detailed": True,
}
SERVICE = OBSERVED | {
    "service_id": "svc_1",
    "service_key": "v|m|-|-",
    "name": "Mail",
    "title": "Mail",
    "term": "-",
    "billing_period": "-",
}


@pytest.mark.parametrize(
    ("message", "limit"),
    [
        (lambda: a_run_finished(run_id="7" * 201), "id-characters"),
        (lambda: SubscriptionLine.model_validate(a_line(currency="7" * 201)), "id-characters"),
        (lambda: a_run_finished(counts={"7" * 201: 1}), "id-characters"),
        (
            lambda: ServiceObserved.model_validate(SERVICE | {"service_key": "7" * 4001}),
            "service-key-characters",
        ),
        (lambda: a_run_finished(counts={str(n): n for n in range(2001)}), "list-items"),
        (
            lambda: SubscriptionObserved.model_validate(SUBSCRIPTION | {"lines": [a_line()] * 1001}),
            "subscription-lines",
        ),
    ],
)
def test_what_is_refused_for_its_size_is_counted_by_the_name_of_the_limit(
    message: Callable[[], object], limit: str
) -> None:
    before = limits.hits()

    with pytest.raises(ValidationError):
        message()

    assert limits.hits() == before | {limit: before.get(limit, 0) + 1}


@pytest.mark.parametrize("fields", [{"run_id": ""}, {"run_id": 5}, {"counts": {"a": "many"}}], ids=str)
def test_what_is_refused_for_another_reason_is_not_counted(fields: dict[str, object]) -> None:
    before = limits.hits()

    with pytest.raises(ValidationError):
        a_run_finished(**fields)

    assert limits.hits() == before


def test_a_name_and_a_reason_hold_nothing_that_drives_a_terminal() -> None:
    told = SUBSCRIPTION | {"name": "\x1b[2JMail\n"}

    assert SubscriptionObserved.model_validate(told).name == "\ufffd[2JMail "
    assert a_run_finished(reason="page\r\n2 \u202e").reason == "page  2 \ufffd"


def test_names_are_equal_when_they_are_equal_as_shown() -> None:
    names = ["Contoso\x00", "Contoso\x01", "Contoso\ufffd", "\x00" * 501, "\x01" * 501]
    shown = [SubscriptionObserved.model_validate(SUBSCRIPTION | {"name": name}).name for name in names]

    assert shown[0] == shown[1] == shown[2]
    assert shown[3] == shown[4]


@pytest.mark.parametrize("odd", ["7\x00", "\x1b[2J", "7\n", "\u202e7", "\ud83d"], ids=ascii)
def test_an_id_a_code_or_a_key_with_characters_that_are_not_shown_is_refused(odd: str) -> None:
    with pytest.raises(ValidationError):
        a_run_finished(run_id=odd)
    with pytest.raises(ValidationError):
        SubscriptionLine.model_validate(a_line(currency=odd))
    with pytest.raises(ValidationError):
        ServiceObserved.model_validate(SERVICE | {"service_key": odd})


@pytest.mark.parametrize("year", [1, 1899])
def test_a_moment_before_anything_that_we_tell_of_is_refused(year: int) -> None:
    with pytest.raises(ValidationError, match="lies before anything"):
        a_run_finished(finished_at=datetime(year, 12, 31, tzinfo=UTC))
