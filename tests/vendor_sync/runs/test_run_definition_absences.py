from decimal import Decimal

import pytest
from marketplace import FakeMarketplace, a_detail, a_row, an_offer, customers
from vendor_runs import VendorRunHarness

from shared.contracts.base import Outcome
from shared.contracts.vendor_sync import SubscriptionStatus, VendorAccountObserved
from shared.errors import CredentialsRejected, UnexpectedResponse
from shared.mongo import Mongo


@pytest.fixture
async def harness(mongo: Mongo) -> VendorRunHarness:
    """One complete run is behind it, and the log is empty."""
    marketplace = FakeMarketplace(listed_customers=customers("c1", "c2"))
    marketplace.put(*(an_offer(f"s{n}", f"offer {n}", n) for n in range(4)))
    harness = VendorRunHarness(mongo, marketplace)
    await harness.run("before")
    marketplace.calls.clear()
    return harness


async def test_a_vanished_subscription_is_read_and_once_more_behind_the_last_lists_before_it_is_absent(
    harness: VendorRunHarness,
) -> None:
    del harness.marketplace.details["s2"]

    finished = await harness.run()

    assert (finished.outcome, harness.marketplace.calls.count("s2")) == (Outcome.COMPLETE, 2)
    (manifest,) = harness.manifests()[1:]
    assert "s2" not in {thing.id for thing in manifest.things}
    assert harness.seats(manifest, confirmed=True)["offer 2"] == 0
    assert not harness.last_observed("s2").present
    assert harness.last_observed("s2").lines[0].quantity == Decimal(2)


async def test_what_is_absent_is_not_read_again(harness: VendorRunHarness) -> None:
    del harness.marketplace.details["s2"]
    await harness.run("first")
    harness.marketplace.calls.clear()

    await harness.run("second")

    assert "s2" not in harness.marketplace.calls


async def test_a_vanished_subscription_that_can_be_read_has_its_real_status(
    harness: VendorRunHarness,
) -> None:
    harness.marketplace.set_status("s2", SubscriptionStatus.TERMINATED)

    finished = await harness.run()

    assert (harness.last_observed("s2").status, harness.last_observed("s2").present) == (
        SubscriptionStatus.TERMINATED,
        True,
    )
    assert finished.counts["vanished"] == 1


async def test_a_subscription_that_slipped_between_two_lists_is_still_there(
    harness: VendorRunHarness,
) -> None:
    harness.marketplace.unlisted = {"s2"}
    harness.publisher.messages.clear()

    finished = await harness.run()

    assert finished.outcome is Outcome.COMPLETE
    assert len(harness.publisher.messages) == finished.manifests
    assert "s2" in {thing.id for thing in harness.last_manifest().things}
    assert harness.marketplace.calls.count("s2") == 1


async def test_an_empty_list_zeroes_nothing_that_is_there(harness: VendorRunHarness) -> None:
    harness.marketplace.unlisted = set(harness.marketplace.details)

    harness.publisher.messages.clear()

    finished = await harness.run()

    assert sorted(harness.marketplace.calls) == ["s0", "s1", "s2", "s3"]
    assert len(harness.publisher.messages) == finished.manifests
    assert len(harness.last_manifest().things) == 4


async def test_a_vanished_subscription_that_cannot_be_read_keeps_its_last_value(
    harness: VendorRunHarness,
) -> None:
    harness.marketplace.unlisted = {"s2"}

    async def broken(id_: str) -> None:
        if id_ == "s2":
            raise UnexpectedResponse("HTML")

    harness.marketplace.before_answer = broken
    finished = await harness.run()

    assert finished.outcome is Outcome.COMPLETE
    assert finished.exceptions == ("account c1: subscription s2 could not be read: HTML",)
    assert harness.last_observed("s2").present
    first, last = harness.manifests()
    assert [(one.id, one.reason) for one in last.unreadable] == [("s2", "HTML")]
    # As it was read last, and as old.
    assert [one for one in last.things if one.id == "s2"] == [one for one in first.things if one.id == "s2"]


async def test_a_listed_subscription_that_is_not_found_is_absent(harness: VendorRunHarness) -> None:
    ghost = a_detail(a_row("s9"))
    harness.marketplace.put(ghost)

    async def vanish(id_: str) -> None:
        harness.marketplace.details.pop("s9" if id_ == "s9" else "", None)

    harness.marketplace.before_answer = vanish
    finished = await harness.run()

    assert finished.outcome is Outcome.COMPLETE
    assert not harness.last_observed("s9").present


async def test_what_comes_back_has_no_number_until_it_is_read(harness: VendorRunHarness) -> None:
    back = harness.marketplace.details.pop("s2")
    await harness.run("gone")
    harness.marketplace.put(back)
    published_before = len(harness.publisher.messages)

    await harness.run("back")

    since = harness.publisher.messages[published_before:]
    first, second = [message for message in since if message.key.endswith(":s2")]
    assert first.model_dump()["detailed"] is False
    assert second == harness.last_observed("s2")
    assert harness.last_observed("s2").present


async def test_an_account_that_is_listed_no_more_is_read_before_it_is_absent(
    harness: VendorRunHarness,
) -> None:
    del harness.marketplace.listed_customers["c2"]

    await harness.run()

    assert "account c2" in harness.marketplace.calls
    last = harness.published(VendorAccountObserved)[-1]
    assert (last.account_id, last.present) == ("c2", False)


async def test_refused_credentials_are_never_taken_for_an_absent_account(harness: VendorRunHarness) -> None:
    del harness.marketplace.listed_customers["c2"]

    async def refused(_: str) -> None:
        raise CredentialsRejected("401")

    harness.marketplace.before_answer = refused
    finished = await harness.run()

    assert finished.outcome is Outcome.FAILED
    assert all(observation.present for observation in harness.published(VendorAccountObserved))


async def test_a_whole_marketplace_may_vanish_in_one_run(mongo: Mongo) -> None:
    """More subscriptions than one transaction stores."""
    marketplace = FakeMarketplace(listed_customers=customers("c1", "c2"), page_size=100)
    marketplace.put(*(an_offer(f"s{n}", "offer", n) for n in range(520)))
    harness = VendorRunHarness(mongo, marketplace)
    await harness.run("before")
    marketplace.details.clear()

    finished = await harness.run("after")

    assert (finished.outcome, finished.counts["vanished"]) == (Outcome.COMPLETE, 520)
    assert not any(harness.last_observed(f"s{n}").present for n in (0, 499, 500, 519))
