"""One product bought through two marketplaces: a sum claims something of each of them."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from observation_builders import (
    NOW,
    PSA,
    VENDOR,
    a_mapping,
    a_subscription,
    an_agreement_line,
    an_integration,
)
from usage_builders import MAPPED, READ, an_account, the_line

from billing.usage.coverage import CompletedRun, Coverage, Coverages
from billing.usage.freshness import with_current_ages
from billing.usage.usage_line import UsageLine
from shared.contracts.auth import IntegrationStatus
from shared.contracts.base import NoNumber, Observation
from shared.contracts.vendor_sync import SubscriptionStatus

OTHER = "int_other"
LONG_AGO = CompletedRun("run-0", 1, NOW - timedelta(days=7))
LEFT = an_integration(OTHER, status=IntegrationStatus.DISCONNECTED)
ENDED = a_subscription(3, id_="ended", integration_id=OTHER, status=SubscriptionStatus.TERMINATED)


def test_a_second_marketplace_that_was_never_read_leaves_the_sum_unread() -> None:
    count = a_line_of_both(None).vendor_count

    assert count.missing is NoNumber.UNREAD
    assert (count.number, count.known_part) == (None, Decimal(4))


def test_a_second_marketplace_that_sells_none_of_it_adds_nothing_once_it_was_read() -> None:
    assert a_line_of_both(READ).vendor_count.number == 4


def test_a_second_marketplace_read_too_long_ago_makes_the_sum_stale() -> None:
    count = a_line_of_both(LONG_AGO).vendor_count

    assert (count.missing, count.as_of) == (NoNumber.STALE, LONG_AGO.started_at)


def test_the_age_of_a_sum_is_that_of_the_marketplace_read_longest_ago() -> None:
    again = CompletedRun("run-9", 500, NOW)

    line = with_current_ages(a_line_of_both(READ), coverages_of(READ, again))

    assert line.vendor_count.as_of == READ.started_at


def test_a_second_marketplace_that_was_left_does_not_silence_the_first() -> None:
    line = a_line_of_both(LONG_AGO, integrations=[LEFT])

    assert line.vendor_count.number == 4
    assert line.integration_ids == (PSA, VENDOR)


def test_the_age_shown_is_that_of_the_marketplaces_that_the_sum_rests_on() -> None:
    line = a_line_of_both(LONG_AGO, ENDED, integrations=[LEFT])

    shown = with_current_ages(line, coverages_of(LONG_AGO))

    assert line.vendor_count.number == 4
    assert line.vendor_count.as_of == shown.vendor_count.as_of == NOW


def test_a_full_run_makes_the_sum_younger_where_another_marketplace_was_left() -> None:
    again = CompletedRun("run-9", 500, NOW + timedelta(hours=2))
    line = a_line_of_both(LONG_AGO, ENDED, integrations=[LEFT])

    shown = with_current_ages(line, coverages_of(LONG_AGO, again))

    assert shown.vendor_count.as_of == again.started_at


def test_a_line_that_an_older_build_stored_shows_the_age_of_all_its_marketplaces() -> None:
    line = a_line_of_both(READ).model_copy(update={"vendor_sources": None})

    assert with_current_ages(line, coverages_of(READ)).vendor_count.as_of == READ.started_at


def coverages_of(read: CompletedRun | None, first: CompletedRun = READ) -> Coverages:
    """The first marketplace and the PSA were read an hour ago unless told otherwise, the second at `read`."""
    return Coverages({VENDOR: Coverage(first, first), PSA: Coverage(READ, READ), OTHER: Coverage(read, read)})


def a_line_of_both(read: CompletedRun | None, *seen: Observation, **more: Any) -> UsageLine:
    """Four are bought in the first; the account and the service are known in the other, read then."""
    service = a_mapping("service", "svc1", "prod1", vendor_integration_id=OTHER, vendor_realm="eu")
    known: dict[str, Any] = {
        "services": [*MAPPED, service],
        "accounts": [an_account(), an_account(integration_id=OTHER)],
        "coverages": coverages_of(read),
    }
    return the_line(a_subscription(4), *seen, an_agreement_line(9), **known, **more)
