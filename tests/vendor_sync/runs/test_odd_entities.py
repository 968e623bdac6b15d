"""One thing that cannot be read changes nothing but itself, for as long as it lasts."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from marketplace import NOW, FakeMarketplace, a_detail, a_product, a_row, an_offer, customers
from vendor_runs import VendorRunHarness

from shared.contracts.base import Outcome, RunKind
from shared.contracts.manifest import ListingExtent
from shared.contracts.vendor_sync import SubscriptionStatus, VendorCredentialsRejected
from shared.errors import CredentialsRejected, LongPause, PermanentError, UnexpectedResponse
from shared.mongo import Mongo
from vendor_sync.marketplace import RefusedRow
from vendor_sync.runs.detail_reader import MAX_FORBIDDEN


@pytest.fixture
async def harness(mongo: Mongo) -> VendorRunHarness:
    """Two accounts with two services; two runs have agreed on all of it."""
    marketplace = FakeMarketplace(listed_customers=customers("c1", "c2"))
    marketplace.put(*(an_offer(f"s{n}", f"offer {n % 2}", n) for n in range(4)))
    marketplace.put(a_detail(a_row("t", account_id="c2", name="offer 0"), a_product("offer 0", quantity=9)))
    harness = VendorRunHarness(mongo, marketplace)
    await harness.run("first")
    await harness.run("second")
    harness.begin_anew()
    return harness


def failing(id_: str, error: Exception) -> Callable[[str], Awaitable[None]]:
    async def fail(name: str) -> None:
        if name == id_:
            raise error

    return fail


def read_at(harness: VendorRunHarness, account_id: str = "c1") -> dict[str, datetime]:
    return {thing.id: thing.read_at for thing in harness.last_manifest(account_id).things}


async def test_one_unreadable_detail_for_eight_days_keeps_no_other_from_being_confirmed_each_day(
    harness: VendorRunHarness,
) -> None:
    harness.marketplace.before_answer = failing("s1", UnexpectedResponse("s1 is odd"))
    untils = []
    for day in range(1, 9):
        today = NOW + timedelta(days=day)
        harness.clock = lambda today=today: today  # type: ignore[misc]
        finished = await harness.run(f"day {day}")

        assert finished.outcome is Outcome.COMPLETE
        assert finished.exceptions == ("account c1: subscription s1 could not be read: s1 is odd",)
        assert read_at(harness) == {"s0": today, "s1": NOW, "s2": today, "s3": today}
        assert read_at(harness, "c2") == {"t": today}
        manifest = harness.last_manifest()
        assert [(one.id, one.reason) for one in manifest.unreadable] == [("s1", "s1 is odd")]
        assert not any(span.is_empty for span in manifest.spans)
        untils.append(max(span.known_until for span in manifest.spans))
        assert len(harness.marketplace.calls) == 5 * day  # no call more than without the odd one
    assert untils == sorted(set(untils))


async def test_what_could_not_be_read_is_confirmed_when_it_can_be_again(harness: VendorRunHarness) -> None:
    harness.marketplace.before_answer = failing("s1", UnexpectedResponse("s1 is odd"))
    await harness.run("odd")
    harness.marketplace.before_answer = failing("", ValueError())

    finished = await harness.run("fine")

    assert (finished.exceptions, harness.last_manifest().unreadable) == ((), ())
    assert harness.seats(harness.last_manifest(), confirmed=True) == {"offer 0": 2, "offer 1": 4}


async def test_what_was_never_read_is_named_and_states_nothing(harness: VendorRunHarness) -> None:
    harness.marketplace.put(an_offer("new", "offer 0", 50))
    harness.marketplace.before_answer = failing("new", UnexpectedResponse("new is odd"))

    finished = await harness.run()

    manifest = harness.last_manifest()
    assert "new" not in {thing.id for thing in manifest.things}
    assert [one.id for one in manifest.unreadable] == ["new"]
    assert (finished.outcome, finished.counts["failed"]) == (Outcome.COMPLETE, 1)


async def test_a_403_on_one_detail_is_of_that_detail_alone(harness: VendorRunHarness) -> None:
    harness.marketplace.before_answer = failing("s1", PermanentError("answered 403", status=403))

    finished = await harness.run()

    assert finished.outcome is Outcome.COMPLETE
    assert await harness.mongo.all_tenants("outbox").count({"topic": VendorCredentialsRejected.topic}) == 0
    assert [one.id for one in harness.last_manifest().unreadable] == ["s1"]


@pytest.mark.parametrize("refused", [True, False], ids=["refused-everywhere", "only-there"])
async def test_many_403_in_a_row_are_about_the_credentials_if_a_list_is_refused_as_well(
    mongo: Mongo, *, refused: bool
) -> None:
    harness = VendorRunHarness(mongo, FakeMarketplace(listed_customers=customers("c1"), page_size=100))
    harness.marketplace.put(*(an_offer(f"s{n:02}", "offer", n) for n in range(3 * MAX_FORBIDDEN)))
    await harness.run("before")
    harness.begin_anew()

    async def forbidden(_: str) -> None:
        raise PermanentError("answered 403", status=403)

    async def listing(name: str) -> None:
        if name == "accounts" and refused and harness.marketplace.calls:
            raise CredentialsRejected("GET /customers answered 403")

    harness.marketplace.before_answer, harness.marketplace.before_listing = forbidden, listing
    finished = await harness.run()

    if refused:
        assert finished.outcome is Outcome.FAILED
        assert len(harness.marketplace.calls) < 2 * MAX_FORBIDDEN
    else:
        assert (finished.outcome, finished.counts["failed"]) == (Outcome.COMPLETE, 3 * MAX_FORBIDDEN)
        assert len(harness.last_manifest().things) == 3 * MAX_FORBIDDEN


async def test_a_row_of_a_known_subscription_that_cannot_be_understood_is_read_by_itself(
    harness: VendorRunHarness,
) -> None:
    harness.marketplace.unlisted = {"s1"}
    harness.marketplace.refused_rows = [RefusedRow("s1 is odd", "s1", "c1")]

    finished = await harness.run()

    assert sorted(harness.marketplace.calls) == ["s0", "s1", "s2", "s3", "t"]
    assert finished.outcome is Outcome.COMPLETE
    assert "account c1: a row could not be understood: s1 is odd" in finished.exceptions
    assert harness.seats(harness.last_manifest(), confirmed=True) == {"offer 0": 2, "offer 1": 4}


async def test_an_odd_row_of_a_known_subscription_whose_detail_is_odd_too_is_unreadable(
    harness: VendorRunHarness,
) -> None:
    harness.marketplace.unlisted = {"s1"}
    harness.marketplace.refused_rows = [RefusedRow("s1 is odd", "s1")]
    harness.marketplace.before_answer = failing("s1", UnexpectedResponse("so is its detail"))

    finished = await harness.run()

    assert finished.outcome is Outcome.COMPLETE
    assert [one.id for one in harness.last_manifest().unreadable] == ["s1"]
    assert read_at(harness)["s1"] == NOW


async def test_an_odd_row_that_nobody_has_seen_before_is_named_where_its_customer_can_be_read(
    harness: VendorRunHarness,
) -> None:
    harness.marketplace.refused_rows = [RefusedRow("9 is odd", "9", "c2"), RefusedRow("8 is odd", "8")]
    harness.marketplace.before_answer = failing("9", UnexpectedResponse("so is its detail"))

    finished = await harness.run()

    assert [(one.id, one.reason) for one in harness.last_manifest("c2").unreadable] == [
        ("9", "so is its detail")
    ]
    assert harness.last_manifest("c1").unreadable == ()
    assert "a row could not be understood: 8 is odd" in finished.exceptions
    assert "8" not in harness.marketplace.calls


async def test_lists_that_fall_short_are_said_in_the_manifests_that_rest_on_them(
    harness: VendorRunHarness,
) -> None:
    harness.marketplace.short_lists = {SubscriptionStatus.ACTIVE}

    finished = await harness.run("short")
    assert finished.outcome is Outcome.PARTIAL
    assert {harness.last_manifest(one).listing for one in ("c1", "c2")} == {ListingExtent.SHORT}

    harness.marketplace.short_lists = set()
    await harness.run("whole")
    assert {harness.last_manifest(one).listing for one in ("c1", "c2")} == {ListingExtent.WHOLE}


async def test_lists_that_are_whole_at_the_end_make_up_for_those_that_fell_short(
    harness: VendorRunHarness,
) -> None:
    harness.marketplace.short_lists = {SubscriptionStatus.ACTIVE}

    async def be_whole(_: str) -> None:
        harness.marketplace.short_lists = set()

    harness.marketplace.before_answer = be_whole
    finished = await harness.run()

    assert finished.outcome is Outcome.COMPLETE
    assert [one.listing for one in harness.manifests()] == [ListingExtent.SHORT, ListingExtent.WHOLE]
    assert [one.nth for one in harness.manifests()] == [1, 2]


async def test_an_account_that_is_listed_by_itself_is_whole_although_the_lists_fell_short(
    harness: VendorRunHarness,
) -> None:
    harness.marketplace.short_lists = {SubscriptionStatus.ACTIVE}
    harness.marketplace.put(an_offer("s0", "offer 0", 70))

    await harness.run()

    assert "list c1" in harness.marketplace.calls
    assert harness.last_manifest("c1").listing is ListingExtent.WHOLE
    assert harness.last_manifest("c2").listing is ListingExtent.SHORT


async def test_a_wait_of_a_week_amid_a_run_leaves_each_reading_its_own_time(mongo: Mongo) -> None:
    harness = VendorRunHarness(mongo, FakeMarketplace(listed_customers=customers("c1")))
    harness.marketplace.put(*(an_offer(f"s{n}", "offer", n) for n in range(8)))
    await harness.run("before")
    harness.begin_anew()

    async def spent(_: str) -> None:
        if len(harness.marketplace.calls) > 4:
            raise LongPause("quota", retry_after=6 * 24 * 3600)

    harness.marketplace.before_answer = spent
    await harness.queue("waits")
    await harness.worker().step()
    harness.marketplace.before_answer = failing("", ValueError())
    later = NOW + timedelta(days=7)
    harness.clock = lambda: later
    await mongo.all_tenants("runs").change_many({}, {"$set": {"not_before": None}})
    await harness.worker().step()

    times = read_at(harness)
    assert {times[f"s{n}"] for n in range(4)} == {NOW}
    assert {times[f"s{n}"] for n in range(4, 8)} == {later}
    assert harness.seats(harness.last_manifest(), confirmed=True) == {"offer": Decimal(28)}


async def test_a_quick_run_keeps_what_could_not_be_read_as_unreadable(harness: VendorRunHarness) -> None:
    harness.marketplace.before_answer = failing("s1", UnexpectedResponse("s1 is odd"))
    await harness.run("full")
    harness.begin_anew()
    harness.marketplace.before_answer = failing("", ValueError())
    harness.marketplace.put(a_detail(a_row("s3", name="offer 0"), a_product("offer 1", quantity=3)))

    await harness.run("quick", RunKind.QUICK)

    assert "s3" in harness.marketplace.calls
    assert "s1" not in harness.marketplace.calls
    assert [one.id for one in harness.last_manifest().unreadable] == ["s1"]
