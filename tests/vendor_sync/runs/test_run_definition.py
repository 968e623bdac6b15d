from datetime import timedelta
from decimal import Decimal

import pytest
from marketplace import NOW, FakeMarketplace, a_detail, a_product, a_row, an_offer, customers
from vendor_runs import VendorRunHarness

from shared.contracts.base import Outcome, RunKind
from shared.contracts.vendor_sync import (
    ServiceObserved,
    SubscriptionObserved,
    SubscriptionStatus,
    VendorAccountObserved,
    VendorAccountRead,
)
from shared.mongo import Mongo


@pytest.fixture
def harness(mongo: Mongo) -> VendorRunHarness:
    marketplace = FakeMarketplace(listed_customers=customers("c1", "c2", "c3"))
    marketplace.put(*(an_offer(f"s{n}", f"offer {n % 3}", n) for n in range(9)))
    return VendorRunHarness(mongo, marketplace)


async def test_a_full_run_publishes_what_is_there_and_reports_how_much(harness: VendorRunHarness) -> None:
    finished = await harness.run()

    assert (finished.outcome, finished.coverage) == (Outcome.COMPLETE, Decimal(1))
    assert len(harness.published(VendorAccountObserved)) == 3
    assert len(harness.published(ServiceObserved)) == 3
    assert len({one.subscription_id for one in harness.published(SubscriptionObserved)}) == 9
    assert finished.counts["details"] == 9
    assert harness.last_observed("s4").lines[0].quantity == Decimal(4)
    # One of each offer first, and then all nine with their account.
    assert len(harness.marketplace.calls) == 3 + 9
    assert (finished.manifests, finished.exceptions, finished.unread_accounts) == (3, (), ())


async def test_every_observation_is_stamped_by_its_run(harness: VendorRunHarness) -> None:
    finished = await harness.run()

    observations = harness.published(VendorAccountObserved) + harness.published(SubscriptionObserved)
    assert {observation.run_id for observation in observations} == {finished.run_id}
    assert all(observation.revision > finished.first_revision for observation in observations)


async def test_what_is_listed_is_seen_at_once_with_its_quantities_unread(harness: VendorRunHarness) -> None:
    await harness.run()

    observations = harness.published(SubscriptionObserved)
    first = {observation.subscription_id: observation for observation in reversed(observations)}
    assert all(not observation.detailed and observation.lines == () for observation in first.values())
    assert all(harness.last_observed(id_).detailed for id_ in first)


async def test_a_second_run_of_an_unchanged_marketplace_publishes_one_manifest_an_account_and_nothing_else(
    harness: VendorRunHarness,
) -> None:
    await harness.run("first")
    harness.publisher.messages.clear()
    harness.marketplace.calls.clear()

    finished = await harness.run("second")

    manifests = harness.published(VendorAccountRead)
    assert len(harness.publisher.messages) == len(manifests)
    assert sorted(manifest.account_id for manifest in manifests) == ["c1", "c2", "c3"]
    assert finished.manifests == 3
    assert (finished.outcome, finished.counts["details"]) == (Outcome.COMPLETE, 9)
    # Every detail once, and no list of an account.
    assert sorted(harness.marketplace.calls) == [f"s{n}" for n in range(9)]


async def test_only_what_changed_is_published(harness: VendorRunHarness) -> None:
    await harness.run("first")
    harness.publisher.messages.clear()
    harness.marketplace.put(an_offer("s5", "offer 2", 50))

    finished = await harness.run("second")

    (changed,) = harness.published(SubscriptionObserved)
    assert changed.lines[0].quantity == Decimal(50)
    assert len(harness.publisher.messages) == 1 + finished.manifests


async def test_one_subscription_of_each_offer_is_read_first(harness: VendorRunHarness) -> None:
    await harness.run()

    assert set(harness.marketplace.calls[:3]) == {"s0", "s1", "s2"}


async def test_a_quick_run_reads_only_what_its_list_row_shows_changed(harness: VendorRunHarness) -> None:
    await harness.run("full")
    harness.marketplace.calls.clear()
    harness.marketplace.put(a_detail(a_row("s3", name="Renamed"), a_product("offer 0", name="offer 0")))

    finished = await harness.run("quick", RunKind.QUICK)

    # An offer that nobody has seen before, then with its account, then once more with its service's others.
    assert harness.marketplace.calls[:3] == ["s3", "s3", "list c1"]
    assert sorted(harness.marketplace.calls[3:]) == ["s0", "s3", "s6"]
    assert (finished.counts["details"], finished.counts["kept"]) == (3, 6)
    assert finished.outcome is Outcome.COMPLETE


async def test_a_quick_run_in_which_nothing_changed_reads_nothing_and_states_nothing(
    harness: VendorRunHarness,
) -> None:
    await harness.run("full")
    harness.marketplace.calls.clear()
    harness.publisher.messages.clear()

    finished = await harness.run("quick", RunKind.QUICK)

    assert (harness.marketplace.calls, harness.publisher.messages) == ([], [])
    assert (finished.outcome, finished.manifests, finished.counts["kept"]) == (Outcome.COMPLETE, 0, 9)


async def test_a_quick_run_reads_what_is_older_than_the_freshness(harness: VendorRunHarness) -> None:
    await harness.run("full")
    harness.marketplace.calls.clear()
    harness.clock = lambda: NOW + timedelta(days=8)

    await harness.run("quick", RunKind.QUICK)

    assert sorted(harness.marketplace.calls) == [f"s{n}" for n in range(9)]


async def test_a_subscription_that_comes_while_the_details_are_read_is_read_too(
    harness: VendorRunHarness,
) -> None:
    async def renewed(_: str) -> None:
        harness.marketplace.set_status("s8", SubscriptionStatus.REMOVED)
        harness.marketplace.put(an_offer("s8-renewed", "offer 2", 80))

    harness.marketplace.before_answer = renewed
    finished = await harness.run()

    assert finished.outcome is Outcome.COMPLETE
    assert harness.last_observed("s8").status is SubscriptionStatus.REMOVED
    assert harness.last_observed("s8-renewed").lines[0].quantity == Decimal(80)


async def test_a_subscription_of_an_unlisted_customer_is_not_dropped(harness: VendorRunHarness) -> None:
    harness.marketplace.put(a_detail(a_row("s10", account_id="c99")))

    await harness.run()

    assert harness.last_observed("s10").account_id == "c99"


async def test_progress_is_reported_as_it_happens(harness: VendorRunHarness) -> None:
    finished = await harness.run()

    last = harness.status_channel.reports[-1]
    assert (last.run_id, last.sync_id, last.phase) == (finished.run_id, "s1", "reconciling")
    assert last.outcome is None


async def test_a_service_keeps_its_name_while_any_subscription_calls_it_so(harness: VendorRunHarness) -> None:
    harness.marketplace.details.clear()
    harness.marketplace.put(*(a_detail(a_row(f"s{n}"), a_product(name=name)) for n, name in enumerate("BA")))
    await harness.run("first")
    services_before = len(harness.published(ServiceObserved))

    await harness.run("same")
    assert len(harness.published(ServiceObserved)) == services_before

    harness.marketplace.put(*(a_detail(a_row(f"s{n}"), a_product(name="New")) for n in range(2)))
    await harness.run("renamed")
    assert harness.published(ServiceObserved)[-1].title == "New – 1 Year, billed Monthly"
