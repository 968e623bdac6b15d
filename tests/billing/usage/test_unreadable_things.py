"""What cannot be read is named: it keeps the number that it had, or leaves its product without one."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from manifest_builders import ACME, CO1, a_manifest
from observation_builders import (
    NOW,
    PSA,
    VENDOR,
    a_subscription,
    an_agreement_line,
    an_integration,
)
from usage_builders import the_line, the_lines

from shared.contracts.auth import IntegrationSettings
from shared.contracts.base import NoNumber
from shared.contracts.billing import LineClass
from shared.contracts.vendor_sync import SubscriptionStatus

HOLD_NOT_BILLED = (
    an_integration(VENDOR, settings=IntegrationSettings(hold_billable=False)),
    an_integration(PSA),
)


def test_what_could_not_be_read_again_keeps_its_number_and_its_age() -> None:
    long_ago = NOW - timedelta(days=5)
    odd = a_manifest(unreadable={"sub1": "answered 403"}, read_at={"sub1": long_ago})

    line = the_line(a_subscription(4), an_agreement_line(4), manifests={ACME: odd})

    assert (line.line_class, line.vendor_count.as_of) == (LineClass.IN_STEP, long_ago)
    assert line.evidence.items[0].detail == "it could not be read since: answered 403"


@pytest.mark.parametrize(
    "then", [SubscriptionStatus.PENDING, SubscriptionStatus.HOLD, SubscriptionStatus.TERMINATED]
)
def test_a_subscription_that_did_not_count_when_it_was_last_read_may_count_by_now(
    then: SubscriptionStatus,
) -> None:
    long_ago = NOW - timedelta(days=5)
    odd = a_manifest(unreadable={"s2": "answered 403"}, read_at={"s2": long_ago})
    idle = a_subscription(5, id_="s2", status=then)

    line = the_line(
        a_subscription(4),
        idle,
        an_agreement_line(4),
        manifests={ACME: odd},
        integrations=HOLD_NOT_BILLED,
    )

    assert (line.line_class, line.reason) == (LineClass.NO_VERDICT, "vendor unread")
    assert (line.vendor_count.number, line.vendor_count.known_part) == (None, Decimal(4))
    assert (
        line.vendor_count.detail == "subscription s2 did not count, and could not be read since: answered 403"
    )
    assert [(one.quantity, one.missing) for one in line.evidence.items] == [
        (None, NoNumber.UNREAD),
        (Decimal(4), None),
    ]


def test_a_subscription_that_may_count_by_now_is_in_the_way_of_its_own_service_alone() -> None:
    odd = a_manifest(unreadable={"s2": "answered 403"})
    idle = a_subscription(5, id_="s2", service="svc2", status=SubscriptionStatus.PENDING)

    of_svc1, of_svc2 = the_lines(a_subscription(4), idle, an_agreement_line(4), manifests={ACME: odd})

    assert (of_svc1.line_class, of_svc1.vendor_count.number) == (LineClass.IN_STEP, Decimal(4))
    assert (of_svc2.service_id, of_svc2.vendor_count.missing) == ("svc2", NoNumber.UNREAD)


def test_an_agreement_line_that_was_never_read_may_bill_any_product_of_its_company() -> None:
    odd = a_manifest(CO1, unreadable={"add2": "answered 403"})

    line = the_line(a_subscription(4), an_agreement_line(4), manifests={CO1: odd})

    assert (line.line_class, line.reason) == (LineClass.NO_VERDICT, "psa unread")
    assert (line.psa_count.number, line.psa_count.known_part) == (None, Decimal(4))
    assert line.psa_count.detail == "the PSA lists add2, which could not be read: answered 403"


def test_an_agreement_line_of_which_only_the_product_could_be_read_is_in_the_way_of_that_alone() -> None:
    of_another = a_manifest(CO1, unreadable={"add2": "odd"}, unreadable_items={"add2": "prod9"})
    of_this = replace(of_another, unreadable_items={"add2": "prod1"})

    beside = the_line(a_subscription(4), an_agreement_line(4), manifests={CO1: of_another})
    line = the_line(a_subscription(4), an_agreement_line(4), manifests={CO1: of_this})

    assert beside.line_class is LineClass.IN_STEP
    assert (line.line_class, line.reason) == (LineClass.NO_VERDICT, "psa unread")


def test_an_agreement_line_that_could_not_be_read_again_keeps_its_number() -> None:
    odd = a_manifest(CO1, unreadable={"add1": "answered 403"})

    line = the_line(a_subscription(4), an_agreement_line(4), manifests={CO1: odd})

    assert line.line_class is LineClass.IN_STEP
    assert line.psa_count.number == 4


@pytest.mark.parametrize(
    "then", [{"ends_on": date(2026, 1, 1)}, {"billable": False}], ids=["ended", "not billable"]
)
def test_an_agreement_line_that_billed_nothing_when_it_was_last_read_may_bill_again(
    then: dict[str, Any],
) -> None:
    odd = a_manifest(CO1, unreadable={"add1": "answered 403"})
    of_another = an_agreement_line(4, product_id="prod9", **then)

    line = the_line(a_subscription(4), an_agreement_line(4, **then), manifests={CO1: odd})
    beside = the_line(a_subscription(4), of_another, manifests={CO1: odd})

    assert (line.line_class, line.reason) == (LineClass.NO_VERDICT, "psa unread")
    assert line.psa_count.detail == "add1 did not bill it, and could not be read since: answered 403"
    assert beside.psa_count.number == 0
