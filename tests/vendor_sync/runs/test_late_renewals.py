"""Renewals whose new id no list shows for hours: until it would be listed, no sum without it is sure."""

from datetime import timedelta
from decimal import Decimal

import pytest
from account_changes import a_settled_harness, confirmed, seats, span_of
from marketplace import FakeMarketplace, customers
from vendor_runs import VendorRunHarness

from shared.contracts.base import RunKind
from shared.contracts.vendor_sync import SubscriptionStatus
from shared.mongo import Mongo

LISTED_WITHIN = timedelta(hours=12)
BOTH_KINDS = pytest.mark.parametrize("kind", RunKind)


@pytest.fixture
async def harness(mongo: Mongo) -> VendorRunHarness:
    """X 10 and Y 5 of one service, settled; X is then renewed, and no list shows its new id."""
    harness = await a_settled_harness(mongo)
    harness.renewals_listed_within = LISTED_WITHIN
    harness.marketplace.set_status("x", SubscriptionStatus.REMOVED)
    harness.marketplace.put(seats("x-renewed", 10))
    harness.marketplace.unlisted.add("x-renewed")
    return harness


async def test_a_renewal_that_no_list_shows_confirms_nothing_in_run_after_run(
    harness: VendorRunHarness,
) -> None:
    """The account was listed by itself, all lists were read again: 5 was never true all the same."""
    await harness.run("ends")
    await harness.run("again")
    await harness.let_time_pass(LISTED_WITHIN / 2)
    await harness.run("hours later")

    assert confirmed(harness) == set()
    assert confirmed(harness, "other") == {Decimal(3)}
    assert harness.seats(harness.last_manifest()) == {"M": 5, "other": 3}


@BOTH_KINDS
async def test_the_new_id_counts_once_all_that_took_the_place_of_the_old_one_is_listed(
    harness: VendorRunHarness, kind: RunKind
) -> None:
    await harness.run("ends")
    harness.marketplace.unlisted.clear()
    await harness.run("the new id is listed", kind)
    before = confirmed(harness)
    await harness.let_time_pass(LISTED_WITHIN)
    await harness.run("half a day later", kind)

    assert before == set()
    assert confirmed(harness) == {Decimal(15)}


@BOTH_KINDS
async def test_an_end_for_good_is_confirmed_by_the_first_lists_that_would_show_a_renewal(
    harness: VendorRunHarness, kind: RunKind
) -> None:
    del harness.marketplace.details["x-renewed"]
    await harness.run("ends")
    await harness.let_time_pass(LISTED_WITHIN)
    harness.marketplace.calls.clear()

    await harness.run("half a day later", kind)

    assert confirmed(harness) == {Decimal(5)}
    assert [id_ for id_ in harness.marketplace.calls if id_.startswith("list")] == []
    assert span_of(harness, harness.last_manifest(), "M").ended == 1


async def test_a_quick_run_confirms_an_end_without_a_call_and_once(harness: VendorRunHarness) -> None:
    del harness.marketplace.details["x-renewed"]
    await harness.run("ends")
    await harness.let_time_pass(LISTED_WITHIN)
    harness.begin_anew()
    await harness.run("confirms", RunKind.QUICK)
    await harness.run("has nothing to say", RunKind.QUICK)

    assert (harness.marketplace.calls, len(harness.manifests())) == ([], 1)


async def test_short_lists_confirm_no_end(harness: VendorRunHarness) -> None:
    await harness.run("ends")
    await harness.let_time_pass(LISTED_WITHIN)
    harness.marketplace.short_lists = {SubscriptionStatus.ACTIVE}
    harness.begin_anew()

    await harness.run("short", RunKind.QUICK)

    assert harness.manifests() == []


async def test_what_ended_long_ago_holds_up_no_change(harness: VendorRunHarness) -> None:
    del harness.marketplace.details["x-renewed"]
    await harness.run("ends")
    await harness.let_time_pass(LISTED_WITHIN)
    await harness.run("confirms")
    harness.marketplace.put(seats("y", 7))

    await harness.run("changes")

    assert harness.seats(harness.last_manifest(), confirmed=True)["M"] == 7


async def test_the_lists_at_the_end_of_a_long_run_confirm_what_its_first_lists_were_too_early_for(
    harness: VendorRunHarness,
) -> None:
    del harness.marketplace.details["x-renewed"]
    await harness.run("ends")

    async def pass_time(name: str) -> None:
        if name == "b":
            await harness.let_time_pass(LISTED_WITHIN)

    harness.marketplace.before_answer = pass_time
    harness.begin_anew()

    await harness.run("of half a day")

    assert [harness.seats(one, confirmed=True).get("M") for one in harness.manifests()] == [None, 5]


async def test_what_was_listed_and_gone_before_it_was_read_leaves_no_zero_until_its_renewal_is_listed(
    mongo: Mongo,
) -> None:
    """Nobody knows of which service it was."""
    harness = VendorRunHarness(mongo, FakeMarketplace(listed_customers=customers("c1")))
    harness.renewals_listed_within = LISTED_WITHIN
    harness.marketplace.put(seats("old", 13), seats("other", 5))

    async def renew(name: str) -> None:
        if name == "old" and "old" in harness.marketplace.details:
            del harness.marketplace.details["old"]
            harness.marketplace.put(seats("new", 13))
            harness.marketplace.unlisted.add("new")

    harness.marketplace.before_answer = renew
    await harness.run("gone")
    await harness.run("again")
    unreadable = [[one.id for one in manifest.unreadable] for manifest in harness.manifests()]
    harness.marketplace.unlisted.clear()
    await harness.let_time_pass(LISTED_WITHIN)

    await harness.run("half a day later")

    assert unreadable == [["old"], ["old"]]
    assert harness.last_manifest().unreadable == ()
