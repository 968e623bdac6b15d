"""What goes wrong during a run: at the marketplace, in our own servers, and by being killed."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest
from marketplace import FakeMarketplace, an_offer, customers
from run_env import RecordingPublisher
from vendor_runs import VendorRunHarness

from shared.contracts import Message
from shared.contracts.base import Outcome
from shared.contracts.vendor_sync import SubscriptionObserved, SubscriptionStatus, VendorCredentialsRejected
from shared.errors import CredentialsRejected, NeighbourAway, TransientError, UnexpectedResponse
from shared.mongo import Mongo
from shared.runtime.leases import LeaseLost
from shared.sync_engine.change_publisher import dirty_queue
from vendor_sync.marketplace import RefusedRow

COUNT = 12


@pytest.fixture
def harness(mongo: Mongo) -> VendorRunHarness:
    marketplace = FakeMarketplace(listed_customers=customers("c1"), page_size=5)
    marketplace.put(*(an_offer(f"s{n:02}", f"offer {n % 3}", n) for n in range(COUNT)))
    return VendorRunHarness(mongo, marketplace)


def after(calls: int, error: Exception) -> Callable[[str], Awaitable[None]]:
    """Answers so many details, then raises for each."""
    left = iter(range(calls))

    async def answer_or_raise(_: str) -> None:
        if next(left, None) is None:
            raise error

    return answer_or_raise


async def done_ids(harness: VendorRunHarness) -> set[str]:
    rows = await harness.mongo.all_tenants("subscriptions").find({"state": "done"})
    return {row["row"]["subscription_id"] for row in rows}


async def test_a_vendor_that_stays_down_leaves_a_partial_run_with_what_was_read(
    harness: VendorRunHarness,
) -> None:
    harness.marketplace.before_answer = after(5, TransientError("503"))

    finished = await harness.run()

    assert finished.outcome is Outcome.PARTIAL
    # Five were answered: three as the first of their offers, two with their account.
    assert finished.counts["details"] == 2
    assert Decimal(0) < finished.coverage < Decimal(1)
    assert sum(harness.last_observed(f"s{n:02}").detailed for n in range(COUNT)) == 3
    assert [account.account_id for account in finished.unread_accounts] == ["c1"]
    assert harness.manifests() == []


async def test_nothing_that_was_known_changes_when_a_list_cannot_be_read(harness: VendorRunHarness) -> None:
    await harness.run("before")
    published_before = len(harness.publisher.messages)

    async def down(_: str) -> None:
        raise TransientError("503")

    harness.marketplace.before_listing = down
    finished = await harness.run("down")

    assert (finished.outcome, finished.coverage) == (Outcome.PARTIAL, Decimal(0))
    assert len(harness.publisher.messages) == published_before


async def test_one_detail_that_cannot_be_understood_spoils_no_other(harness: VendorRunHarness) -> None:
    async def odd(id_: str) -> None:
        if id_ == "s03":
            raise UnexpectedResponse("s03 has no product")

    harness.marketplace.before_answer = odd
    finished = await harness.run()

    assert (finished.outcome, finished.reason) == (Outcome.COMPLETE, None)
    assert finished.exceptions == ("account c1: subscription s03 could not be read: s03 has no product",)
    assert (finished.counts["details"], finished.counts["failed"]) == (11, 1)
    (manifest,) = harness.manifests()
    assert len(manifest.things) == 11
    assert [one.id for one in manifest.unreadable] == ["s03"]


async def test_one_detail_that_is_always_down_does_not_hide_those_behind_it(
    harness: VendorRunHarness,
) -> None:
    async def down(id_: str) -> None:
        if id_ == "s00":
            raise TransientError("500")

    harness.marketplace.before_answer = down
    finished = await harness.run()

    assert (finished.outcome, finished.counts["details"]) == (Outcome.COMPLETE, COUNT - 1)
    assert finished.exceptions == ("account c1: subscription s00 could not be read: 500",)


async def test_refused_credentials_fail_the_run_and_are_reported(harness: VendorRunHarness) -> None:
    harness.marketplace.before_answer = after(
        3, CredentialsRejected("GET /subscriptions answered 401", message="expired")
    )

    finished = await harness.run()

    assert finished.outcome is Outcome.FAILED
    messages = await harness.mongo.all_tenants("outbox").find({"topic": VendorCredentialsRejected.topic})
    assert VendorCredentialsRejected.model_validate_json(messages[0]["body"]).refused == "expired"


async def test_a_list_that_falls_short_makes_the_run_partial(harness: VendorRunHarness) -> None:
    harness.marketplace.short_lists = {SubscriptionStatus.ACTIVE}

    finished = await harness.run()

    assert finished.outcome is Outcome.PARTIAL
    assert finished.reason == "fewer than 13 active subscriptions could be listed"
    assert finished.counts["details"] == COUNT


async def test_a_row_that_is_refused_is_named_and_makes_no_run_partial(harness: VendorRunHarness) -> None:
    harness.marketplace.refused_rows = [RefusedRow("customer 7 … has 3,000,000 characters")]

    finished = await harness.run()

    assert finished.outcome is Outcome.COMPLETE
    # Once, although the lists of accounts and of subscriptions, twice for each status, all name it.
    assert finished.exceptions == ("a row could not be understood: customer 7 … has 3,000,000 characters",)
    assert finished.counts["details"] == COUNT


async def test_a_run_during_which_kafka_is_away_goes_on_when_it_is_back(harness: VendorRunHarness) -> None:
    async def away(_: list[Message]) -> None:
        raise TransientError("Kafka does not answer")

    publisher, harness.publisher = harness.publisher, RecordingPublisher(before=away)
    with pytest.raises(TransientError):
        await harness.run()
    harness.publisher = publisher
    await harness.worker().step()

    finished = await harness.last_finished()
    assert (finished.outcome, finished.manifests) == (Outcome.COMPLETE, 1)
    assert len(harness.named(harness.last_manifest())) == COUNT


@pytest.mark.parametrize("part", ["before_listing", "before_answer"], ids=["lists", "details"])
async def test_a_run_during_which_auth_is_away_goes_on_when_it_is_back(
    harness: VendorRunHarness, part: str
) -> None:
    setattr(harness.marketplace, part, after(2, NeighbourAway("auth does not answer")))
    with pytest.raises(NeighbourAway):
        await harness.run()

    setattr(harness.marketplace, part, after(100, NeighbourAway("auth does not answer")))
    await harness.worker().step()

    finished = await harness.last_finished()
    assert (finished.outcome, finished.counts["details"]) == (Outcome.COMPLETE, COUNT)


@pytest.mark.parametrize("fatal", range(1, 9))
async def test_a_killed_run_is_continued_without_repeating_a_finished_detail(
    harness: VendorRunHarness, fatal: int
) -> None:
    """Killed at each of its publications in turn: between the stored rows and Kafka."""
    await harness.queue()
    going = asyncio.ensure_future(harness.worker().step())
    left = iter(range(fatal - 1))

    async def kill(_: list[Message]) -> None:
        if next(left, None) is None and not going.cancelling():
            going.cancel()
            await asyncio.sleep(60)

    healthy, harness.publisher.before = harness.publisher.before, kill
    await asyncio.wait([going])
    finished_before, read_before = await done_ids(harness), len(harness.marketplace.calls)
    harness.publisher.before = healthy
    await harness.worker().step()

    assert finished_before.isdisjoint(harness.marketplace.calls[read_before:])
    ended = await harness.last_finished()
    assert (ended.outcome, len(harness.named(harness.last_manifest()))) == (Outcome.COMPLETE, COUNT)
    assert all(harness.last_observed(f"s{n:02}").lines[0].quantity == Decimal(n) for n in range(COUNT))


async def test_a_worker_paused_beyond_its_lease_publishes_nothing_more(harness: VendorRunHarness) -> None:
    await harness.queue()

    async def replaced(_: str) -> None:
        await harness.mongo.all_tenants("leases").change({}, {"$set": {"token": "another's"}})
        await asyncio.Event().wait()  # until the worker notices, and is cancelled

    harness.marketplace.before_answer = replaced
    with pytest.raises(LeaseLost):
        await harness.worker().step()

    assert not any(observation.detailed for observation in harness.published(SubscriptionObserved))


async def test_a_worker_that_was_succeeded_changes_nothing_in_the_queue(
    harness: VendorRunHarness,
) -> None:
    await harness.queue()

    async def replaced(_: str) -> None:
        await harness.mongo.all_tenants("runs").change({}, {"$set": {"token": "another's"}})

    harness.marketplace.before_answer = replaced
    with pytest.raises(LeaseLost):
        await harness.worker().step()

    assert await done_ids(harness) == set()


async def test_the_successor_publishes_again_what_was_left_dirty(harness: VendorRunHarness) -> None:
    await harness.run("before")
    left = harness.last_observed("s00")
    await dirty_queue(harness.mongo).enqueue("demo", "int_1", [f"{left.topic}#{left.key}"])
    published_before = len(harness.publisher.messages)

    await harness.run("after")

    assert {message.key for message in harness.publisher.messages[published_before:]} == {
        "demo:int_1:s00",
        harness.last_manifest().key,
    }
    # What it says is as before: it is no change of its account.
    assert all(not span.is_empty for span in harness.last_manifest().spans)
    assert "list c1" not in harness.marketplace.calls
