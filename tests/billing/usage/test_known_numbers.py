"""What must have been read, and when, before a sum is a number."""

from datetime import timedelta

import pytest
from manifest_builders import ACME, CO1, LISTED, READ_AT, a_manifest, a_span, spans
from observation_builders import (
    NOW,
    PSA,
    VENDOR,
    a_mapping,
    a_subscription,
    an_agreement_line,
    an_integration,
)
from usage_builders import an_account, the_line

from billing.usage.ref import Ref
from shared.contracts.auth import IntegrationStatus
from shared.contracts.base import NoNumber
from shared.contracts.billing import LineClass
from shared.contracts.manifest import ListingExtent

LATER = NOW + timedelta(days=8)


def test_nothing_is_called_not_bought_before_the_vendor_account_was_completely_read() -> None:
    line = the_line(an_agreement_line(4), manifests={ACME: None})

    assert line.reason == "vendor unread"


def test_nothing_is_called_not_billed_before_the_company_was_completely_read() -> None:
    line = the_line(a_subscription(4), manifests={CO1: None})

    assert (line.line_class, line.reason) == (LineClass.NO_VERDICT, "psa unread")


def test_what_was_read_once_is_shown_and_is_no_number_yet() -> None:
    once = a_manifest(spans=spans(a_span(known_from=LISTED + 3, known_until=LISTED)))

    line = the_line(a_subscription(79), an_agreement_line(83), manifests={ACME: once})

    assert (line.line_class, line.vendor_count.missing) == (LineClass.NO_VERDICT, NoNumber.UNREAD)
    assert line.vendor_count.number is None
    assert line.vendor_count.known_part == 79


def test_a_company_that_was_read_once_gives_no_verdict() -> None:
    once = a_manifest(CO1, spans=spans(a_span("prod1", known_from=LISTED + 3, known_until=LISTED)))

    line = the_line(a_subscription(4), an_agreement_line(4), manifests={CO1: once})

    assert line.reason == "psa unread"
    assert line.psa_count.known_part == 4


@pytest.mark.parametrize(("known_from", "number"), [(LISTED, 9), (LISTED + 1, None)], ids=["shared", "none"])
def test_accounts_add_up_only_when_their_numbers_were_true_at_one_instant(
    known_from: int, number: int | None
) -> None:
    beta = an_account("beta")
    moved = a_manifest(
        beta.ref,
        listed_revision=LISTED + 50,
        spans=spans(a_span(known_from=known_from, known_until=LISTED + 50)),
    )
    steady = a_manifest(spans=spans(a_span()))

    line = the_line(
        a_subscription(5),
        a_subscription(4, id_="sub2", account="beta"),
        an_agreement_line(4),
        accounts=[an_account(), beta],
        manifests={ACME: steady, beta.ref: moved},
    )

    assert line.vendor_count.number == number


def test_services_add_up_only_when_their_numbers_were_true_at_one_instant() -> None:
    services = [a_mapping("service", "svc1", "prod1"), a_mapping("service", "svc2", "prod1")]
    moving = a_manifest(spans=spans(a_span("svc1", 1, 500), a_span("svc2", 501, LISTED)))

    line = the_line(
        a_subscription(10),
        a_subscription(15, id_="sub2", service="svc2"),
        an_agreement_line(15),
        services=services,
        manifests={ACME: moving},
    )

    assert line.vendor_count.number is None
    assert line.vendor_count.known_part == 25


@pytest.mark.parametrize("account", [ACME, CO1], ids=["vendor", "psa"])
def test_no_sum_is_known_of_an_account_whose_listing_fell_short(account: Ref) -> None:
    short = a_manifest(account, listing=ListingExtent.SHORT)

    line = the_line(a_subscription(3), an_agreement_line(3), manifests={account: short})

    assert line.line_class is LineClass.NO_VERDICT
    assert line.reason == ("vendor unread" if account is ACME else "psa unread")


def test_an_item_is_as_old_as_the_reading_that_last_looked_at_it() -> None:
    again = LATER - timedelta(hours=1)
    read = {ACME: a_manifest(read_from=again), CO1: a_manifest(CO1, read_from=again)}

    line = the_line(a_subscription(4), an_agreement_line(4), manifests=read, now=LATER)

    assert line.line_class is LineClass.IN_STEP
    assert line.vendor_count.as_of == again


def test_a_run_that_did_not_look_at_an_item_does_not_make_it_younger() -> None:
    again = LATER - timedelta(hours=1)
    quick = a_manifest(read_from=again, read_at={"sub1": READ_AT})

    line = the_line(
        a_subscription(4),
        an_agreement_line(4),
        manifests={ACME: quick, CO1: a_manifest(CO1, read_from=again)},
        now=LATER,
    )

    assert line.reason == "vendor stale"


def test_a_line_says_when_it_will_be_stale() -> None:
    line = the_line(a_subscription(4), an_agreement_line(4))

    assert line.recheck_at == READ_AT + timedelta(days=7)


def test_what_no_manifest_names_any_more_counts_as_zero() -> None:
    ended = a_manifest(spans=spans(a_span(ended=1, last_ended_at=READ_AT)))

    line = the_line(an_agreement_line(4), manifests={ACME: ended})

    assert line.line_class is LineClass.ENDED_STILL_BILLED
    assert line.vendor_count.number == 0
    assert line.vendor_count.missing is NoNumber.ABSENT
    assert (line.evidence.ended.count, line.evidence.ended.last_ended_at) == (1, READ_AT)


def test_an_agreement_line_that_is_gone_leaves_the_usage_not_billed() -> None:
    ended = a_manifest(CO1, spans=spans(a_span("prod1", ended=1)))

    line = the_line(a_subscription(4), manifests={CO1: ended})

    assert line.line_class is LineClass.NOT_BILLED
    assert line.psa_count.missing is NoNumber.ABSENT


def test_what_a_company_without_vendor_account_is_billed_for_is_seen() -> None:
    line = the_line(an_agreement_line(4), accounts=())

    assert line.line_class is LineClass.NOT_BOUGHT
    assert line.psa_count.number == 4
    assert (line.vendor_count.number, line.vendor_count.missing) == (None, None)
    assert line.money.amount is None


def test_what_a_pending_marketplace_sells_only_would_be_added() -> None:
    other = an_account(integration_id="int_other")
    service = a_mapping("service", "svc1", "prod1", vendor_integration_id="int_other")
    pending = an_integration("int_other", status=IntegrationStatus.PENDING)

    line = the_line(
        a_subscription(4),
        a_subscription(12, id_="twice", integration_id="int_other"),
        an_agreement_line(4),
        services=[a_mapping("service", "svc1", "prod1"), service],
        accounts=[an_account(), other],
        integrations=[an_integration(VENDOR), an_integration(PSA), pending],
    )

    assert line.line_class is LineClass.IN_STEP
    assert line.vendor_count.number == 4
    assert line.preview == 12


def test_what_only_a_pending_marketplace_sells_is_not_zero() -> None:
    pending = an_integration(VENDOR, status=IntegrationStatus.PENDING)

    line = the_line(a_subscription(12), an_agreement_line(4), integrations=[pending, an_integration(PSA)])

    assert (line.line_class, line.reason) == (LineClass.NO_VERDICT, "vendor pending")
    assert line.vendor_count.number is None
    assert line.preview == 12


def test_before_the_first_finish_everything_is_counted_for_nothing_can_be_approved() -> None:
    pending = [an_integration(side, status=IntegrationStatus.PENDING) for side in (VENDOR, PSA)]

    line = the_line(a_subscription(12), an_agreement_line(4), integrations=pending)

    assert line.vendor_count.number == 12
    assert line.preview is None
