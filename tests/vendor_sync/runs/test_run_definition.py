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
)
from shared.mongo import Mongo


@pytest.fixture
def stage(mongo: Mongo) -> VendorRunHarness:
    vendor = FakeMarketplace(accounts_there=customers("c1", "c2", "c3"))
    vendor.has(*(an_offer(f"s{n}", f"offer {n % 3}", n) for n in range(9)))
    return VendorRunHarness(mongo, vendor)


async def test_a_full_run_publishes_what_is_there_and_says_how_much(stage: VendorRunHarness) -> None:
    finished = await stage.run()

    assert (finished.outcome, finished.coverage) == (Outcome.COMPLETE, Decimal(1))
    assert finished.published == {
        VendorAccountObserved.topic: 3,
        ServiceObserved.topic: 3,
        SubscriptionObserved.topic: 9,
    }
    assert finished.counts["details"] == 9
    assert stage.last("s4").lines[0].quantity == Decimal(4)
    assert len(stage.vendor.log) == 9


async def test_every_observation_is_stamped_by_its_run(stage: VendorRunHarness) -> None:
    finished = await stage.run()

    observations = stage.said(VendorAccountObserved) + stage.said(SubscriptionObserved)
    assert {seen.run_id for seen in observations} == {finished.run_id}
    assert all(seen.revision > finished.first_revision for seen in observations)


async def test_what_is_listed_is_seen_at_once_with_its_quantities_unread(stage: VendorRunHarness) -> None:
    await stage.run()

    first = {seen.subscription_id: seen for seen in reversed(stage.said(SubscriptionObserved))}
    assert all(not seen.detailed and seen.lines == () for seen in first.values())
    assert all(stage.last(id_).detailed for id_ in first)


async def test_a_second_run_of_an_unchanged_marketplace_publishes_nothing(stage: VendorRunHarness) -> None:
    await stage.run("first")
    before = len(stage.kafka.messages)

    finished = await stage.run("second")

    assert len(stage.kafka.messages) == before
    assert set(finished.published.values()) == {0}
    assert (finished.outcome, finished.counts["details"]) == (Outcome.COMPLETE, 9)


async def test_only_what_changed_is_published(stage: VendorRunHarness) -> None:
    await stage.run("first")
    before = len(stage.kafka.messages)
    stage.vendor.has(an_offer("s5", "offer 2", 50))

    finished = await stage.run("second")

    assert [seen.lines[0].quantity for seen in stage.said(SubscriptionObserved)[-1:]] == [Decimal(50)]
    assert len(stage.kafka.messages) == before + 1
    assert finished.published[SubscriptionObserved.topic] == 1


async def test_one_subscription_of_each_offer_is_read_first(stage: VendorRunHarness) -> None:
    await stage.run()

    assert set(stage.vendor.log[:3]) == {"s0", "s1", "s2"}


async def test_a_quick_run_reads_only_what_its_list_row_shows_changed(stage: VendorRunHarness) -> None:
    await stage.run("full")
    stage.vendor.log.clear()
    stage.vendor.has(a_detail(a_row("s3", name="offer 0 renamed"), a_product("offer 0", quantity=3)))

    finished = await stage.run("quick", RunKind.QUICK)

    assert stage.vendor.log == ["s3"]
    assert (finished.counts["details"], finished.counts["kept"]) == (1, 8)
    assert finished.outcome is Outcome.COMPLETE


async def test_a_quick_run_reads_what_is_older_than_the_freshness(stage: VendorRunHarness) -> None:
    await stage.run("full")
    stage.vendor.log.clear()
    stage.clock = lambda: NOW + timedelta(days=8)

    await stage.run("quick", RunKind.QUICK)

    assert len(stage.vendor.log) == 9


async def test_a_subscription_that_comes_while_the_details_are_read_is_read_too(
    stage: VendorRunHarness,
) -> None:
    async def renewed(_: str) -> None:
        stage.vendor.becomes("s8", SubscriptionStatus.REMOVED)
        stage.vendor.has(an_offer("s8-renewed", "offer 2", 80))

    stage.vendor.asked = renewed
    finished = await stage.run()

    assert finished.outcome is Outcome.COMPLETE
    assert stage.last("s8").status is SubscriptionStatus.REMOVED
    assert stage.last("s8-renewed").lines[0].quantity == Decimal(80)


async def test_a_subscription_of_an_unlisted_customer_is_not_dropped(stage: VendorRunHarness) -> None:
    stage.vendor.has(a_detail(a_row("s10", account_id="c99")))

    await stage.run()

    assert stage.last("s10").account_id == "c99"


async def test_progress_is_told_as_it_happens(stage: VendorRunHarness) -> None:
    finished = await stage.run()

    last = stage.board.told[-1]
    assert (last.run_id, last.sync_id, last.phase) == (finished.run_id, "s1", "reconciling")
    assert last.outcome is None


async def test_a_service_keeps_its_name_while_any_subscription_calls_it_so(stage: VendorRunHarness) -> None:
    stage.vendor.details.clear()
    stage.vendor.has(*(a_detail(a_row(f"s{n}"), a_product(name=name)) for n, name in enumerate("BA")))
    await stage.run("first")
    before = len(stage.kafka.messages)

    await stage.run("same")
    assert len(stage.kafka.messages) == before

    stage.vendor.has(*(a_detail(a_row(f"s{n}"), a_product(name="New")) for n in range(2)))
    await stage.run("renamed")
    assert [seen.title for seen in stage.said(ServiceObserved)][-1] == "New – 1 Year, billed Monthly"
