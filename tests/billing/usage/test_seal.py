from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from manifest_builders import ACME, a_manifest
from observation_builders import NOW, a_mapping, a_subscription, an_agreement_line
from usage_builders import an_account, the_line

from shared.contracts.base import Observation
from shared.contracts.vendor_sync import SubscriptionStatus

BEFORE = the_line(a_subscription(7), an_agreement_line(5)).seal
LATER = NOW + timedelta(days=2)


@pytest.mark.parametrize(
    "seen",
    [
        [a_subscription(8), an_agreement_line(5)],
        [a_subscription(7), an_agreement_line(6)],
        [a_subscription(7, id_="renewed"), an_agreement_line(5)],
        [a_subscription(3), a_subscription(4, id_="sub2"), an_agreement_line(5)],
        [a_subscription(7, status=SubscriptionStatus.HOLD), an_agreement_line(5)],
        [a_subscription(None), an_agreement_line(5)],
        [a_subscription(7), an_agreement_line(5, id_="other")],
        [a_subscription(7), an_agreement_line(5, agreement_id="moved")],
        [a_subscription(7), an_agreement_line(5), an_agreement_line(5, id_="add2")],
    ],
    ids=["bought", "billed", "renewed", "split", "held", "no number", "other line", "moved", "ambiguous"],
)
def test_the_seal_changes_with_what_it_covers(seen: Sequence[Observation]) -> None:
    assert the_line(*seen).seal != BEFORE


@pytest.mark.parametrize("kind", ["account", "service"])
def test_the_seal_changes_with_the_mapping_even_when_the_numbers_do_not(kind: str) -> None:
    again: dict[str, Any] = {
        "account": {"accounts": [an_account(revision=2)]},
        "service": {"services": [a_mapping("service", "svc1", "prod1", revision=2)]},
    }

    assert the_line(a_subscription(7), an_agreement_line(5), **again[kind]).seal != BEFORE


def test_the_seal_changes_when_a_number_becomes_stale() -> None:
    line = the_line(a_subscription(7), an_agreement_line(5), now=NOW + timedelta(days=8))

    assert line.seal != BEFORE


def test_the_seal_stays_when_the_same_is_read_again() -> None:
    again: dict[str, Any] = {"revision": 30, "run_id": "run-2", "observed_at": LATER, "generation": 2}
    seen = (
        a_subscription("7.0", renews_on=NOW.date(), **again),
        an_agreement_line("5.00", agreement_name="New name", **again),
    )

    read = {ACME: a_manifest(run_id="run-2", read_from=LATER)}

    line = the_line(*seen, manifests=read, now=LATER)

    assert line.seal == BEFORE


def test_the_seal_stays_when_a_subscription_that_does_not_count_comes_or_goes() -> None:
    ended = a_subscription(3, id_="old", status=SubscriptionStatus.REMOVED)

    assert the_line(a_subscription(7), ended, an_agreement_line(5)).seal == BEFORE


def test_the_seal_stays_when_another_account_is_mapped_that_bought_nothing() -> None:
    accounts = [an_account(), an_account("other")]

    assert the_line(a_subscription(7), an_agreement_line(5), accounts=accounts).seal == BEFORE


def test_the_order_of_news_does_not_show_in_the_seal() -> None:
    two = a_subscription(3), a_subscription(4, id_="sub2")

    assert the_line(*two).seal == the_line(*reversed(two)).seal
