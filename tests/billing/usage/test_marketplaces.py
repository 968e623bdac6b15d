"""One product bought through two marketplaces: a sum claims something of each of them."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from manifest_builders import ACME, CO1, READ_AT, a_manifest
from observation_builders import (
    NOW,
    PSA,
    VENDOR,
    a_listed_subscription,
    a_mapping,
    a_subscription,
    an_agreement_line,
    an_integration,
)
from usage_builders import MAPPED, an_account, the_line

from billing.usage.freshness import with_current_ages
from billing.usage.manifest import AppliedManifest
from billing.usage.ref import Ref
from billing.usage.usage_line import UsageLine
from shared.contracts.auth import IntegrationStatus
from shared.contracts.base import NoNumber, Observation
from shared.contracts.vendor_sync import SubscriptionStatus

OTHER = "int_other"
LONG_AGO = NOW - timedelta(days=7)
ACME_THERE = an_account(integration_id=OTHER).ref
LEFT = an_integration(OTHER, status=IntegrationStatus.DISCONNECTED)
ENDED = a_subscription(3, id_="ended", integration_id=OTHER, status=SubscriptionStatus.TERMINATED)


def test_a_second_marketplace_that_was_never_read_leaves_the_sum_unread() -> None:
    count = a_line_of_both(None).vendor_count

    assert count.missing is NoNumber.UNREAD
    assert (count.number, count.known_part) == (None, Decimal(4))


def test_a_second_marketplace_that_sells_none_of_it_adds_nothing_once_it_was_read() -> None:
    assert a_line_of_both(READ_AT).vendor_count.number == 4


def test_a_second_marketplace_read_too_long_ago_makes_the_sum_stale() -> None:
    count = a_line_of_both(LONG_AGO).vendor_count

    assert (count.missing, count.as_of) == (NoNumber.STALE, LONG_AGO)


def test_the_age_of_a_sum_is_that_of_the_marketplace_read_longest_ago() -> None:
    line = with_current_ages(a_line_of_both(READ_AT), manifests_of(READ_AT, NOW))

    assert line.vendor_count.as_of == READ_AT


def test_a_later_reading_makes_the_sum_younger_to_which_one_marketplace_adds_nothing() -> None:
    again = NOW + timedelta(hours=2)
    line = with_current_ages(a_line_of_both(READ_AT), manifests_of(again, again))

    assert line.vendor_count.as_of == again


def test_a_second_marketplace_that_was_left_does_not_silence_the_first() -> None:
    line = a_line_of_both(LONG_AGO, integrations=[LEFT])

    assert line.vendor_count.number == 4
    assert line.integration_ids == (PSA, VENDOR)


def test_the_age_shown_is_that_of_the_marketplaces_that_the_sum_rests_on() -> None:
    line = a_line_of_both(LONG_AGO, ENDED, integrations=[LEFT])

    shown = with_current_ages(line, manifests_of(LONG_AGO))

    assert line.vendor_count.number == 4
    assert line.vendor_count.as_of == shown.vendor_count.as_of == READ_AT


def test_a_later_reading_makes_the_sum_younger_where_another_marketplace_was_left() -> None:
    again = NOW + timedelta(hours=2)
    line = a_line_of_both(LONG_AGO, ENDED, integrations=[LEFT])

    shown = with_current_ages(line, manifests_of(LONG_AGO, again))

    assert shown.vendor_count.as_of == again


def manifests_of(read: datetime, first: datetime = READ_AT) -> dict[Ref, AppliedManifest]:
    """The first marketplace and the PSA were read an hour ago unless told otherwise, the second at `read`."""
    return {
        ACME: a_manifest(ACME, read_from=first),
        CO1: a_manifest(CO1),
        ACME_THERE: a_manifest(ACME_THERE, read_from=read),
    }


def a_line_of_both(read: datetime | None, *seen: Observation, **more: Any) -> UsageLine:
    """Four are bought in the first; the account and the service are known in the other, read then."""
    service = a_mapping("service", "svc1", "prod1", vendor_integration_id=OTHER, vendor_realm="eu")
    there = a_manifest(ACME_THERE, read_from=read) if read else None
    known: dict[str, Any] = {
        "services": [*MAPPED, service],
        "accounts": [an_account(), an_account(integration_id=OTHER)],
        "manifests": {ACME_THERE: there},
    }
    return the_line(a_subscription(4), *seen, an_agreement_line(9), **known, **more)


def test_what_cannot_be_read_in_a_pending_marketplace_does_not_silence_the_first() -> None:
    pending = an_integration(OTHER, status=IntegrationStatus.PENDING)
    never_read = a_listed_subscription(integration_id=OTHER)

    line = a_line_of_both(READ_AT, never_read, integrations=[pending, an_integration(PSA)])

    assert line.vendor_count.number == 4
    assert line.preview == 0
