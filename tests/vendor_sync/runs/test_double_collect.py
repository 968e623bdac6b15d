"""What changes while it is read: no manifest confirms a sum that was never true at any instant."""

from decimal import Decimal

import pytest
from account_changes import a_settled_harness, confirmed, nth, once, seats, span_of
from marketplace import FakeMarketplace, customers
from vendor_runs import VendorRunHarness

from shared.contracts.base import Outcome
from shared.contracts.vendor_sync import SubscriptionStatus
from shared.mongo import Mongo


@pytest.fixture
async def harness(mongo: Mongo) -> VendorRunHarness:
    return await a_settled_harness(mongo)


async def test_a_first_manifest_confirms_nothing_and_the_next_all(mongo: Mongo) -> None:
    harness = VendorRunHarness(mongo, FakeMarketplace(listed_customers=customers("c1")))
    harness.marketplace.put(seats("x", 10))

    await harness.run("first")
    await harness.run("second")

    first, second = harness.manifests()
    assert harness.seats(first) == {"M": 10}
    assert harness.seats(first, confirmed=True) == {}
    assert harness.seats(second, confirmed=True) == {"M": 10}


async def test_what_did_not_change_is_confirmed_without_a_further_call(harness: VendorRunHarness) -> None:
    finished = await harness.run()

    assert sorted(harness.marketplace.calls) == ["b", "x", "y", "z"]
    assert (finished.manifests, confirmed(harness)) == (2, {Decimal(15)})


async def test_a_change_costs_one_list_of_its_account_and_the_second_readings_of_its_service(
    harness: VendorRunHarness,
) -> None:
    harness.marketplace.put(seats("x", 12))

    finished = await harness.run()

    assert sorted(harness.marketplace.calls) == ["b", "list c1", "x", "x", "y", "y", "z"]
    assert (finished.manifests, confirmed(harness)) == (2, {Decimal(17)})
    assert finished.exceptions == ()


@pytest.mark.parametrize(
    ("before", "after"), [((10, 5), (0, 15)), ((15, 0), (0, 15)), ((0, 15), (15, 0)), ((10, 5), (15, 0))]
)
async def test_seats_that_move_between_two_calls_are_never_counted_twice_or_not_at_all(
    harness: VendorRunHarness, before: tuple[int, int], after: tuple[int, int]
) -> None:
    """X 10 + Y 5 becomes X 0 + Y 15 when X was read and Y was not: never 25, and never 5."""
    harness.marketplace.put(seats("x", before[0]), seats("y", before[1]))
    await harness.run("before")
    harness.begin_anew()
    harness.marketplace.before_answer = once(
        lambda: harness.marketplace.put(seats("x", after[0]), seats("y", after[1])), at="y"
    )

    await harness.run()

    assert confirmed(harness) == {Decimal(15)}
    assert {harness.seats(one)["M"] for one in harness.manifests()} == {Decimal(15)}


async def test_seats_that_moved_and_came_back_are_confirmed_only_since_they_came_back(
    harness: VendorRunHarness,
) -> None:
    """0 and 15 when they are read first, 10 and 5, as before, when they are read again."""
    await harness.run("before")
    before = span_of(harness, harness.last_manifest(), "M")
    harness.begin_anew()
    harness.marketplace.put(seats("x", 0), seats("y", 15))
    harness.marketplace.before_listing = once(
        lambda: harness.marketplace.put(seats("x", 10), seats("y", 5)), at="list c1"
    )

    await harness.run()

    assert confirmed(harness) == {Decimal(15)}
    assert [harness.marketplace.calls.count(id_) for id_ in ("x", "y", "list c1")] == [3, 3, 2]
    assert span_of(harness, harness.last_manifest(), "M").known_from > before.known_until


async def test_a_new_id_that_the_last_lists_show_is_never_added_to_older_readings(
    harness: VendorRunHarness,
) -> None:
    """X was read as 10; then 4 of its seats are split off into a subscription of their own."""
    harness.marketplace.before_listing = nth(
        lambda: harness.marketplace.put(seats("x", 6), seats("x-new", 4)), at="active", time=2
    )

    finished = await harness.run()

    assert confirmed(harness) == {Decimal(15)}
    assert "x-new" in {thing.id for thing in harness.last_manifest().things}
    assert [one.nth for one in harness.manifests()] == [1, 2]
    assert finished.manifests == 3


async def test_seats_split_off_after_the_lists_were_read_are_not_missed(harness: VendorRunHarness) -> None:
    harness.marketplace.before_answer = once(
        lambda: harness.marketplace.put(seats("x", 6), seats("x-new", 4)), at="x"
    )

    await harness.run()

    assert confirmed(harness) == {Decimal(15)}
    assert "x-new" in {thing.id for thing in harness.last_manifest().things}


async def test_a_renewal_in_mid_run_is_never_confirmed_without_its_new_id(harness: VendorRunHarness) -> None:
    """The old id reads `removed`, and the new one is in no list before those at the end."""

    def renew() -> None:
        harness.marketplace.set_status("x", SubscriptionStatus.REMOVED)
        harness.marketplace.put(seats("x-renewed", 10))
        harness.marketplace.unlisted.add("x-renewed")

    harness.marketplace.before_answer = once(renew, at="x")
    harness.marketplace.before_listing = nth(harness.marketplace.unlisted.clear, at="active", time=2)

    finished = await harness.run()

    assert finished.outcome is Outcome.COMPLETE
    assert confirmed(harness) == {Decimal(15)}
    manifest = harness.last_manifest()
    assert {"x-renewed", "y"} <= {thing.id for thing in manifest.things}
    (span,) = [span for span in manifest.spans if span.ended]
    assert (span.ended, span.is_empty, span.last_ended_at is not None) == (1, False, True)


async def test_an_end_is_confirmed_by_the_last_lists_without_a_list_of_its_account(
    harness: VendorRunHarness,
) -> None:
    harness.marketplace.set_status("x", SubscriptionStatus.TERMINATED)

    await harness.run()

    assert "list c1" not in harness.marketplace.calls
    assert confirmed(harness) == {Decimal(5)}
    (manifest,) = harness.manifests()
    assert {thing.id for thing in manifest.things} == {"y", "z"}


async def test_what_has_ended_is_counted_as_ended_once(harness: VendorRunHarness) -> None:
    harness.marketplace.set_status("x", SubscriptionStatus.TERMINATED)
    await harness.run("ended")
    await harness.run("later")

    for manifest in harness.manifests():
        assert sorted(span.ended for span in manifest.spans) == [0, 1]
