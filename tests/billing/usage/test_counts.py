from datetime import date, timedelta
from typing import Any

import pytest
from observation_builders import (
    NOW,
    PSA,
    VENDOR,
    a_line,
    a_listed_subscription,
    a_subscription,
    an_agreement_line,
    an_integration,
)
from usage_builders import an_account, the_line, the_lines

from billing.usage.usage_line import CountStatus
from shared.contracts.auth import IntegrationSettings, IntegrationStatus
from shared.contracts.base import NoNumber
from shared.contracts.billing import LineClass
from shared.contracts.vendor_sync import SubscriptionStatus

LATER = NOW + timedelta(days=8)


@pytest.mark.parametrize("status", [SubscriptionStatus.ACTIVE, SubscriptionStatus.HOLD])
def test_active_and_held_subscriptions_count(status: SubscriptionStatus) -> None:
    assert the_line(a_subscription(5, status=status), an_agreement_line(5)).vendor_count.number == 5


@pytest.mark.parametrize("status", ["pending", "terminated", "removed"])
def test_other_statuses_count_as_zero_and_stay_as_evidence(status: str) -> None:
    line = the_line(a_subscription(5, status=SubscriptionStatus(status)), an_agreement_line(5))

    assert line.vendor_count.number == 0
    assert line.evidence.items[0].status == status


def test_a_pending_subscription_has_not_ended() -> None:
    line = the_line(a_subscription(5, status=SubscriptionStatus.PENDING), an_agreement_line(5))

    assert line.line_class is LineClass.PSA_HIGHER


def test_held_subscriptions_do_not_count_where_that_is_set() -> None:
    vendor = an_integration(VENDOR, settings=IntegrationSettings(hold_billable=False))
    held = a_subscription(5, status=SubscriptionStatus.HOLD)

    line = the_line(held, an_agreement_line(5), integrations=[vendor])

    assert line.vendor_count.number == 0
    assert line.evidence.items[0].standing is CountStatus.IDLE


def test_a_status_that_nobody_knows_is_not_zero() -> None:
    line = the_line(a_subscription(5, status=SubscriptionStatus.UNKNOWN), an_agreement_line(5))

    assert line.vendor_count.missing is NoNumber.UNQUANTIFIED
    assert line.line_class is LineClass.NO_VERDICT


def test_a_quantity_that_is_missing_is_not_zero() -> None:
    line = the_line(a_subscription(None), an_agreement_line(0))

    assert (line.line_class, line.reason) == (LineClass.NO_VERDICT, "vendor unquantified")
    assert line.vendor_count.number is None


def test_one_contributor_without_a_number_makes_the_sum_mixed() -> None:
    count = the_line(a_subscription(4), a_subscription(None, id_="sub2"), an_agreement_line(4)).vendor_count

    assert (count.missing, count.detail) == (NoNumber.UNQUANTIFIED, "mixed")
    assert count.known_part == 4


def test_a_subscription_of_which_only_the_list_row_was_read_leaves_its_account_unread() -> None:
    count = the_line(a_subscription(4), a_listed_subscription(), an_agreement_line(4)).vendor_count

    assert count.missing is NoNumber.UNREAD
    assert count.known_part == 4


def test_an_unread_subscription_keeps_what_is_billed_from_being_called_not_bought() -> None:
    line = the_line(a_listed_subscription(), an_agreement_line(4))

    assert line.reason == "vendor unread"


def test_a_detail_without_any_line_is_unread_too() -> None:
    assert the_line(a_subscription(lines=()), an_agreement_line(4)).reason == "vendor unread"


def test_an_unread_subscription_leaves_unmapped_services_unread() -> None:
    line = the_line(a_subscription(4), a_listed_subscription(), services=())

    assert line.line_class is LineClass.UNMAPPED
    assert line.vendor_count.missing is NoNumber.UNREAD


@pytest.mark.parametrize(("side", "reason"), [(VENDOR, "vendor not-connected"), (PSA, "psa not-connected")])
def test_a_disconnected_side_gives_no_verdict(side: str, reason: str) -> None:
    gone = an_integration(side, status=IntegrationStatus.DISCONNECTED)

    line = the_line(a_subscription(4), an_agreement_line(4), integrations=[gone])

    assert (line.line_class, line.reason) == (LineClass.NO_VERDICT, reason)


def test_a_vendor_number_older_than_the_freshness_setting_is_stale() -> None:
    psa = an_integration(PSA, settings=IntegrationSettings(freshness=timedelta(days=30)))

    line = the_line(a_subscription(4), an_agreement_line(4), integrations=[psa], now=LATER)

    assert line.reason == "vendor stale"
    assert line.vendor_count.known_part == 4


def test_a_psa_number_older_than_the_freshness_setting_is_stale() -> None:
    line = the_line(a_subscription(4), an_agreement_line(4), now=LATER)

    assert line.reason == "psa stale"


@pytest.mark.parametrize(
    "closed",
    [{"ends_on": date(2026, 3, 10)}, {"starts_on": date(2026, 3, 11)}, {"billable": False}],
    ids=["ended", "not begun", "not billable"],
)
def test_a_line_that_is_not_open_and_billable_on_the_day_is_no_candidate(closed: dict[str, Any]) -> None:
    assert the_line(a_subscription(4), an_agreement_line(4, **closed)).line_class is LineClass.NOT_BILLED


def test_the_day_is_the_tenants() -> None:
    ends = an_agreement_line(4, ends_on=date(2026, 3, 11))
    evening = NOW.replace(hour=23)

    assert the_line(a_subscription(4), ends, now=evening).line_class is LineClass.IN_STEP
    assert (
        the_line(a_subscription(4), ends, now=evening, time_zone="Asia/Tokyo").line_class
        is LineClass.NOT_BILLED
    )


def test_a_line_is_looked_at_again_when_an_agreement_line_ends() -> None:
    ends = an_agreement_line(4, ends_on=date(2026, 3, 12))

    line = the_line(a_subscription(4), ends, time_zone="America/New_York")

    assert line.recheck_at is not None
    assert line.recheck_at.isoformat() == "2026-03-12T00:00:00-04:00"


def test_an_agreement_line_without_a_quantity_is_not_zero() -> None:
    assert the_line(a_subscription(4), an_agreement_line(None)).reason == "psa unquantified"


def test_an_unread_subscription_does_not_touch_a_product_that_its_vendor_does_not_sell() -> None:
    listed = a_listed_subscription(integration_id="int_other")
    accounts = [an_account(), an_account(integration_id="int_other")]

    lines = the_lines(a_subscription(4, lines=(a_line(4),)), listed, an_agreement_line(4), accounts=accounts)

    assert [line.line_class for line in lines] == [LineClass.IN_STEP]
