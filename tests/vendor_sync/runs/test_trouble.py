"""What goes wrong during a run: at the vendor, in our own servers, and by being killed."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest
from marketplace import FakeMarketplace, an_offer, customers
from run_env import Published
from vendor_runs import Stage

from shared.contracts import Message
from shared.contracts.base import Outcome
from shared.contracts.vendor_sync import SubscriptionObserved, SubscriptionStatus
from shared.contracts.vendor_sync import VendorCredentialsRejected as Said
from shared.errors import CredentialsRejected, NeighbourAway, TransientError, UnexpectedResponse
from shared.mongo import Mongo
from shared.runtime.leases import LeaseLost
from shared.sync_engine.dirty_batches import DirtyBatch, DirtyBatches

COUNT = 12


@pytest.fixture
def stage(mongo: Mongo) -> Stage:
    vendor = FakeMarketplace(accounts_there=customers("c1"), page_size=5)
    vendor.has(*(an_offer(f"s{n:02}", f"offer {n % 3}", n) for n in range(COUNT)))
    return Stage(mongo, vendor)


def after(calls: int, error: Exception) -> Callable[[str], Awaitable[None]]:
    """Answers so many details, then raises for each."""
    left = iter(range(calls))

    async def asked(_: str) -> None:
        if next(left, None) is None:
            raise error

    return asked


async def done(stage: Stage) -> set[str]:
    rows = await stage.mongo.all_tenants("subscriptions").find({"state": "done"})
    return {row["row"]["subscription_id"] for row in rows}


async def test_a_vendor_that_stays_down_leaves_a_partial_run_with_what_was_read(stage: Stage) -> None:
    stage.vendor.asked = after(5, TransientError("503"))

    finished = await stage.run()

    assert finished.outcome is Outcome.PARTIAL
    assert finished.counts["details"] == 5
    assert Decimal(0) < finished.coverage < Decimal(1)
    assert sum(stage.last(f"s{n:02}").detailed for n in range(COUNT)) == 5


async def test_nothing_that_was_known_changes_when_a_list_cannot_be_read(stage: Stage) -> None:
    await stage.run("before")
    told = len(stage.kafka.messages)

    async def down(_: str) -> None:
        raise TransientError("503")

    stage.vendor.listing = down
    finished = await stage.run("down")

    assert (finished.outcome, finished.coverage) == (Outcome.PARTIAL, Decimal(0))
    assert len(stage.kafka.messages) == told


async def test_one_detail_that_cannot_be_understood_spoils_no_other(stage: Stage) -> None:
    async def odd(id_: str) -> None:
        if id_ == "s03":
            raise UnexpectedResponse("s03 has no product")

    stage.vendor.asked = odd
    finished = await stage.run()

    assert finished.outcome is Outcome.PARTIAL
    assert finished.reason == "1 of 12 details could not be read: s03 has no product"
    assert (finished.counts["details"], finished.counts["failed"]) == (11, 1)


async def test_one_detail_that_is_always_down_does_not_hide_those_behind_it(stage: Stage) -> None:
    async def down(id_: str) -> None:
        if id_ == "s00":
            raise TransientError("500")

    stage.vendor.asked = down
    finished = await stage.run()

    assert (finished.outcome, finished.counts["details"]) == (Outcome.PARTIAL, COUNT - 1)


async def test_refused_credentials_fail_the_run_and_are_said(stage: Stage) -> None:
    stage.vendor.asked = after(3, CredentialsRejected("GET /subscriptions answered 401", message="expired"))

    finished = await stage.run()

    assert finished.outcome is Outcome.FAILED
    said = await stage.mongo.all_tenants("outbox").find({"topic": Said.topic})
    assert Said.model_validate_json(said[0]["body"]).refused == "expired"


async def test_a_list_that_falls_short_makes_the_run_partial(stage: Stage) -> None:
    stage.vendor.short = {SubscriptionStatus.ACTIVE}

    finished = await stage.run()

    assert finished.outcome is Outcome.PARTIAL
    assert finished.reason == "fewer than 13 active subscriptions could be listed"
    assert finished.counts["details"] == COUNT


async def test_a_run_during_which_kafka_is_away_goes_on_when_it_is_back(stage: Stage) -> None:
    async def away(_: list[Message]) -> None:
        raise TransientError("Kafka does not answer")

    kafka, stage.kafka = stage.kafka, Published(before=away)
    with pytest.raises(TransientError):
        await stage.run()
    stage.kafka = kafka
    await stage.worker().step()

    finished = await stage.ended()
    assert (finished.outcome, finished.published[SubscriptionObserved.topic]) == (Outcome.COMPLETE, COUNT)


async def test_a_run_that_waits_for_its_quota_says_so(stage: Stage) -> None:
    async def held(_: str) -> None:
        stage.vendor.held_for = 3600.0
        await stage.board.hears("waiting for quota")
        stage.vendor.held_for = 0.0

    stage.vendor.asked = held
    finished = await asyncio.wait_for(stage.run(), 60)

    assert finished.outcome is Outcome.COMPLETE
    assert stage.board.told[-1].phase == "reconciling"


@pytest.mark.parametrize("part", ["listing", "asked"], ids=["lists", "details"])
async def test_a_run_during_which_auth_is_away_goes_on_when_it_is_back(stage: Stage, part: str) -> None:
    setattr(stage.vendor, part, after(2, NeighbourAway("auth does not answer")))
    with pytest.raises(NeighbourAway):
        await stage.run()

    setattr(stage.vendor, part, after(100, NeighbourAway("auth does not answer")))
    await stage.worker().step()

    finished = await stage.ended()
    assert (finished.outcome, finished.counts["details"]) == (Outcome.COMPLETE, COUNT)


@pytest.mark.parametrize("fatal", range(1, 9))
async def test_a_killed_run_is_continued_without_repeating_a_finished_detail(
    stage: Stage, fatal: int
) -> None:
    """Killed at each of its publications in turn: between the stored rows and Kafka."""
    await stage.queue()
    going = asyncio.ensure_future(stage.worker().step())
    left = iter(range(fatal - 1))

    async def kill(_: list[Message]) -> None:
        if next(left, None) is None and not going.cancelling():
            going.cancel()
            await asyncio.sleep(60)

    healthy, stage.kafka.before = stage.kafka.before, kill
    await asyncio.wait([going])
    finished_before, read_before = await done(stage), len(stage.vendor.log)
    stage.kafka.before = healthy
    await stage.worker().step()

    assert finished_before.isdisjoint(stage.vendor.log[read_before:])
    ended = await stage.ended()
    assert (ended.outcome, ended.published[SubscriptionObserved.topic]) == (Outcome.COMPLETE, COUNT)
    assert all(stage.last(f"s{n:02}").lines[0].quantity == Decimal(n) for n in range(COUNT))


async def test_a_worker_paused_beyond_its_lease_publishes_nothing_more(stage: Stage) -> None:
    await stage.queue()

    async def replaced(_: str) -> None:
        await stage.mongo.all_tenants("leases").change({}, {"$set": {"token": "another's"}})
        await asyncio.Event().wait()  # until the worker notices, and is cut off

    stage.vendor.asked = replaced
    with pytest.raises(LeaseLost):
        await stage.worker().step()

    assert not any(seen.detailed for seen in stage.said(SubscriptionObserved))


async def test_a_worker_that_was_succeeded_changes_nothing_on_the_to_do_list(stage: Stage) -> None:
    await stage.queue()

    async def replaced(_: str) -> None:
        await stage.mongo.all_tenants("runs").change({}, {"$set": {"token": "another's"}})

    stage.vendor.asked = replaced
    with pytest.raises(LeaseLost):
        await stage.worker().step()

    assert await done(stage) == set()


async def test_the_successor_publishes_again_what_was_left_dirty(stage: Stage) -> None:
    await stage.run("before")
    left = stage.last("s00")
    await DirtyBatches(stage.mongo, "demo", "int_1").keep(DirtyBatch.of([f"{left.topic}#{left.key}"]))
    told = len(stage.kafka.messages)

    await stage.run("after")

    assert {seen.key for seen in stage.kafka.messages[told:]} == {"demo:int_1:s00"}
