"""Workers that are killed at any write and any publication: no answer is lost, and nothing is made up."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest
from account_changes import seats
from interleaving import NthWriteMongo
from marketplace import FakeMarketplace, customers
from vendor_runs import VendorRunHarness

from shared.contracts import Message
from shared.contracts.base import Outcome
from shared.contracts.vendor_sync import VendorAccountRead
from shared.mongo import Mongo
from vendor_sync.runs.detail_reader import CALLS_AT_ONCE

SUBSCRIPTIONS = 60


@pytest.fixture
async def harness(mongo: Mongo) -> VendorRunHarness:
    """Two runs have agreed on all there is."""
    marketplace = FakeMarketplace(listed_customers=customers("c1", "c2", "c3"))
    marketplace.put(seats("x", 10), seats("y", 5), seats("b", 7, account_id="c2"))
    harness = VendorRunHarness(mongo, marketplace)
    await harness.run("first")
    await harness.run("second")
    harness.begin_anew()
    return harness


async def kill(worker: Awaitable[bool], arm: Callable[[Callable[[], Awaitable[None]]], None]) -> None:
    """Lets a worker work until what `arm` is given is called, which kills it."""
    going = asyncio.ensure_future(worker)

    async def killed() -> None:
        if not going.cancelling():
            going.cancel()
            await asyncio.Event().wait()

    arm(killed)
    await asyncio.wait([going])


def split_once(harness: VendorRunHarness) -> None:
    """Splits seats off x into a subscription of their own, as x is read for the first time."""
    left = ["x"]

    async def split(name: str) -> None:
        if name in left:
            left.remove(name)
            harness.marketplace.put(seats("x", 6), seats("x-new", 4))

    harness.marketplace.before_answer = split


def assert_only_truth_was_confirmed(harness: VendorRunHarness) -> None:
    for account_id, truth in (("c1", 15), ("c2", 7)):
        sums = [harness.seats(one, confirmed=True) for one in harness.manifests(account_id)]
        assert {sum_["M"] for sum_ in sums if "M" in sum_} == {Decimal(truth)}
        assert harness.seats(harness.last_manifest(account_id), confirmed=True) == {"M": truth}
    assert {thing.id for thing in harness.last_manifest().things} == {"x", "x-new", "y"}


async def assert_manifests_are_counted(harness: VendorRunHarness) -> None:
    finished = await harness.last_finished()
    nth = Counter[str]()
    for message in harness.publisher.messages[harness.seen :]:
        if isinstance(message, VendorAccountRead):
            nth[message.account_id] = max(nth[message.account_id], message.nth)
    assert (finished.outcome, finished.manifests) == (Outcome.COMPLETE, nth.total())
    assert set(nth) == {"c1", "c2", "c3"}


@pytest.mark.parametrize("write", range(1, 80, 7))
async def test_a_worker_killed_before_any_write_confirms_only_what_was_true(
    harness: VendorRunHarness, mongo: Mongo, write: int
) -> None:
    split_once(harness)
    await harness.queue("third")
    kills: list[Callable[[], Awaitable[None]]] = []

    async def before() -> None:
        await kills[0]()

    store = NthWriteMongo(mongo, write, before)
    fragile = VendorRunHarness(
        store, harness.marketplace, publisher=harness.publisher, status_channel=harness.status_channel
    )
    await kill(fragile.worker().step(), kills.append)
    while await harness.worker().step():
        continue

    assert_only_truth_was_confirmed(harness)
    await assert_manifests_are_counted(harness)


@pytest.mark.parametrize("publication", range(1, 9))
async def test_a_worker_killed_at_any_publication_confirms_only_what_was_true(
    harness: VendorRunHarness, publication: int
) -> None:
    split_once(harness)
    await harness.queue("third")
    left = iter(range(publication - 1))

    def arm(killed: Callable[[], Awaitable[None]]) -> None:
        async def before(_: list[Message]) -> None:
            if next(left, None) is None:
                await killed()

        harness.publisher.before = before

    await kill(harness.worker().step(), arm)
    while await harness.worker().step():
        continue

    assert_only_truth_was_confirmed(harness)
    await assert_manifests_are_counted(harness)


async def test_a_worker_killed_three_times_repeats_at_most_the_calls_in_flight(mongo: Mongo) -> None:
    harness = VendorRunHarness(mongo, FakeMarketplace(listed_customers=customers("c1"), page_size=100))
    harness.marketplace.put(*(seats(f"s{n:02}", n) for n in range(SUBSCRIPTIONS)))
    await harness.run("before")
    harness.begin_anew()
    await harness.queue("killed")
    for calls in (20, 40, 55):

        def arm(killed: Callable[[], Awaitable[None]], calls: int = calls) -> None:
            async def before(_: str) -> None:
                if len(harness.marketplace.calls) > calls:
                    await killed()

            harness.marketplace.before_answer = before

        await kill(harness.worker().step(), arm)
        assert len(harness.marketplace.calls) > calls

    harness.marketplace.before_answer = nothing
    await harness.worker().step()

    asked = Counter(harness.marketplace.calls)
    assert set(asked) == {f"s{n:02}" for n in range(SUBSCRIPTIONS)}
    assert asked.total() - SUBSCRIPTIONS <= 3 * CALLS_AT_ONCE
    assert (await harness.last_finished()).counts["details"] == SUBSCRIPTIONS
    assert len(harness.named(harness.last_manifest())) == SUBSCRIPTIONS


async def nothing(_: str) -> None:
    return


async def test_answers_that_were_left_are_stored_before_anything_is_asked_for(
    harness: VendorRunHarness,
) -> None:
    """Killed when the first detail of the run is observed: all were answered, none is stored."""

    def arm(killed: Callable[[], Awaitable[None]]) -> None:
        async def before(_: list[Message]) -> None:
            await killed()

        harness.publisher.before = before

    harness.marketplace.put(seats("x", 12))
    await harness.queue("killed")
    await kill(harness.worker().step(), arm)
    assert sorted(harness.marketplace.calls) == ["b", "x", "y"]
    harness.marketplace.calls.clear()
    harness.publisher.before = _accept

    await harness.worker().step()

    # What differed is read again with its account, and nothing else.
    assert sorted(harness.marketplace.calls) == ["list c1", "x", "y"]
    assert harness.seats(harness.last_manifest(), confirmed=True) == {"M": 17}
    assert await harness.mongo.all_tenants("answers").count() == 0


async def _accept(_: list[Message]) -> None:
    return
