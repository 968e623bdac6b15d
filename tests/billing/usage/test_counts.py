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
from usage_builders import READ, an_account, the_line, the_lines

from billing.usage.coverage import NOTHING_READ, CompletedRun, Coverage
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


def test_an_unread_subscription_that_is_not_billable_concerns_nobody() -> None:
    gone = a_listed_subscription(status=SubscriptionStatus.REMOVED)

    assert the_line(a_subscription(4), gone, an_agreement_line(4)).line_class is LineClass.IN_STEP


def test_an_unread_subscription_keeps_what_is_billed_from_being_called_not_bought() -> None:
    line = the_line(a_listed_subscription(), an_agreement_line(4))

    assert line.reason == "vendor unread"


def test_a_detail_without_any_line_is_unread_too() -> None:
    assert the_line(a_subscription(lines=()), an_agreement_line(4)).reason == "vendor unread"


def test_an_unread_subscription_leaves_unmapped_services_unread() -> None:
    line = the_line(a_subscription(4), a_listed_subscription(), services=())

    assert line.line_class is LineClass.UNMAPPED
    assert line.vendor_count.missing is NoNumber.UNREAD


def test_nothing_is_called_not_bought_before_the_vendor_was_completely_read() -> None:
    line = the_line(an_agreement_line(4), coverages={PSA: Coverage(READ, READ)})

    assert line.reason == "vendor unread"


def test_nothing_is_called_not_billed_before_the_psa_was_completely_read() -> None:
    line = the_line(a_subscription(4), coverages={VENDOR: Coverage(READ, READ), PSA: NOTHING_READ})

    assert (line.line_class, line.reason) == (LineClass.NO_VERDICT, "psa unread")


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


def test_an_unchanged_item_is_as_old_as_the_run_that_confirmed_it() -> None:
    again = CompletedRun("run-9", 500, LATER - timedelta(hours=1))
    covered = {VENDOR: Coverage(again, again), PSA: Coverage(again, again)}

    line = the_line(a_subscription(4), an_agreement_line(4), coverages=covered, now=LATER)

    assert line.line_class is LineClass.IN_STEP
    assert line.vendor_count.as_of == again.started_at


def test_a_quick_run_does_not_make_a_number_younger() -> None:
    quick = CompletedRun("run-9", 500, LATER - timedelta(hours=1))
    covered = {VENDOR: Coverage(quick, READ), PSA: Coverage(quick, quick)}

    assert (
        the_line(a_subscription(4), an_agreement_line(4), coverages=covered, now=LATER).reason
        == "vendor stale"
    )


def test_a_line_says_when_it_will_be_stale() -> None:
    line = the_line(a_subscription(4), an_agreement_line(4))

    assert line.recheck_at == NOW + timedelta(days=7)


def test_what_is_gone_counts_on_until_a_complete_run_that_covers_it_is_closed() -> None:
    gone = a_subscription(4, present=False, revision=600, run_id="run-2", lines=())

    line = the_line(a_subscription(4), gone, an_agreement_line(4))

    assert line.line_class is LineClass.IN_STEP


@pytest.mark.parametrize(
    "run", [CompletedRun("run-2", 600, NOW), CompletedRun("run-3", 700, NOW)], ids=["its own", "a later"]
)
def test_what_is_gone_counts_as_zero_once_a_run_that_covers_it_is_closed(run: CompletedRun) -> None:
    gone = a_subscription(4, present=False, revision=600, run_id="run-2", lines=())
    covered = {VENDOR: Coverage(run, run), PSA: Coverage(READ, READ)}

    line = the_line(a_subscription(4), gone, an_agreement_line(4), coverages=covered)

    assert line.line_class is LineClass.ENDED_STILL_BILLED
    assert line.vendor_count.number == 0
    assert line.vendor_count.missing is NoNumber.ABSENT


def test_an_agreement_line_that_is_gone_bills_on_until_a_covering_run_is_closed() -> None:
    gone = an_agreement_line(4, present=False, revision=600, run_id="run-2")

    assert the_line(a_subscription(4), an_agreement_line(4), gone).line_class is LineClass.IN_STEP


def test_an_agreement_line_that_is_gone_leaves_the_usage_not_billed() -> None:
    gone = an_agreement_line(4, present=False, revision=600, run_id="run-2")
    run = CompletedRun("run-2", 600, NOW)

    line = the_line(
        a_subscription(4), gone, coverages={PSA: Coverage(run, run), VENDOR: Coverage(READ, READ)}
    )

    assert line.line_class is LineClass.NOT_BILLED
    assert line.psa_count.missing is NoNumber.ABSENT


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


def test_one_account_without_detail_does_not_touch_a_product_that_its_vendor_does_not_sell() -> None:
    listed = a_listed_subscription(integration_id="int_other")
    accounts = [an_account(), an_account(integration_id="int_other")]

    lines = the_lines(a_subscription(4, lines=(a_line(4),)), listed, an_agreement_line(4), accounts=accounts)

    assert [line.line_class for line in lines] == [LineClass.IN_STEP]
