"""Runs that are put down until their provider may be called again."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import pytest
from interleaving import InterleavedMongo
from run_env import NOW, a_request, changed, connected
from throttled_runs import HOUR, ThrottledRunHarness

from shared.contracts.auth import IntegrationStatus
from shared.contracts.base import Outcome, RunKind
from shared.errors import TransientError
from shared.mongo import Mongo
from shared.status_channel import RunStatus
from shared.sync_engine.handlers import SyncHandlers
from shared.sync_engine.paused_runs import PausedRuns

pytestmark = pytest.mark.timeout(120)


@dataclass
class AbsentStatusChannel:
    """A status channel that does not answer; counts how often it was asked."""

    asked: int = 0

    async def report(self, _: RunStatus) -> int:
        self.asked += 1
        raise TransientError("the status channel cannot be written")


@pytest.fixture
def harness(mongo: Mongo) -> ThrottledRunHarness:
    return ThrottledRunHarness(mongo)


async def test_a_run_that_must_pause_is_put_down_and_holds_neither_worker_nor_lease(
    harness: ThrottledRunHarness,
) -> None:
    await harness.queue()

    assert await harness.work()

    run = await harness.stored()
    assert (run["state"], run["phase"], run["not_before"]) == ("running", "details", NOW + HOUR)
    assert await harness.mongo.all_tenants("leases").find() == []
    assert await harness.finished() == []


async def test_a_run_that_was_put_down_is_left_alone_until_it_is_due(harness: ThrottledRunHarness) -> None:
    await harness.queue()
    await harness.work()

    harness.now += HOUR - timedelta(seconds=1)

    assert not await harness.work()


@pytest.mark.parametrize("first", [RunKind.QUICK, RunKind.FULL])
async def test_nobody_even_takes_the_lease_of_a_run_that_waits_nor_for_what_is_queued_behind_it(
    harness: ThrottledRunHarness, mongo: Mongo, first: RunKind
) -> None:
    await harness.queue("first", first)
    await harness.work()
    await harness.queue("full")
    taken = 0

    async def note() -> None:
        nonlocal taken
        taken += 1

    store = InterleavedMongo(mongo, "leases.find_one_and_update", note)
    assert await harness.repository(store).claim() is None

    assert taken == 0


async def test_a_run_that_was_put_down_goes_on_from_its_phase_when_it_is_due(
    harness: ThrottledRunHarness,
) -> None:
    await harness.queue()
    await harness.work()

    harness.now += HOUR
    assert await harness.work()

    assert harness.definition.began == ["lists", "details", "details"]
    assert [finished.outcome for finished in await harness.finished()] == [Outcome.COMPLETE]


async def test_the_status_says_that_a_run_waits_and_until_when(harness: ThrottledRunHarness) -> None:
    await harness.queue()

    await harness.work()

    status = harness.status_channel.reports[-1]
    assert (status.phase, status.waits_until) == ("waiting for quota", NOW + HOUR)
    assert (status.done, status.total, status.outcome) == (40, 100, None)


async def test_the_status_of_a_run_that_waits_is_told_again_and_again_for_redis_may_lose_it(
    harness: ThrottledRunHarness,
) -> None:
    await harness.queue()
    await harness.work()
    harness.status_channel.reports.clear()

    async with harness.working():
        await harness.status_channel.wait_for_phase("waiting for quota")

    assert harness.status_channel.reports[-1].waits_until == NOW + HOUR


async def test_a_status_channel_that_is_away_is_asked_once_for_all_runs_that_wait(
    harness: ThrottledRunHarness,
) -> None:
    await harness.queue()
    await harness.work()
    row = await harness.stored()
    await harness.mongo.documents("runs", "demo").insert(row | {"_id": "run_2", "run_id": "run_2"})
    channel = AbsentStatusChannel()

    assert not await PausedRuns(harness.runs, channel).step()

    assert channel.asked == 1


async def test_a_service_whose_runs_wait_is_healthy(harness: ThrottledRunHarness) -> None:
    await harness.queue()

    async with harness.working():
        await harness.status_channel.wait_for_phase("waiting for quota")

        assert (harness.health.degraded(), await harness.health.unready()) == ({}, [])


async def test_a_request_joins_the_run_that_was_put_down(harness: ThrottledRunHarness) -> None:
    first = await harness.queue("s1")
    await harness.work()

    joined = await harness.queue("s2", RunKind.QUICK)
    assert joined.run_id == first.run_id
    assert not await harness.work()
    harness.now += HOUR
    await harness.work()

    assert [finished.sync_id for finished in await harness.finished()] == ["s1", "s2"]


async def test_a_request_that_cannot_join_waits_behind_the_run_that_was_put_down(
    harness: ThrottledRunHarness,
) -> None:
    await harness.queue("quick", RunKind.QUICK)
    await harness.work()

    await harness.queue("full")
    assert not await harness.work()
    harness.now += HOUR
    assert await harness.work()
    assert await harness.work()

    assert [finished.sync_id for finished in await harness.finished()] == ["quick", "full"]


async def test_a_run_ends_promptly_when_it_is_disconnected_while_it_waits(
    harness: ThrottledRunHarness,
) -> None:
    await harness.queue()
    await harness.work()

    async with harness.working():
        await harness.status_channel.wait_for_phase("waiting for quota")
        await harness.integrations.on_changed(changed(IntegrationStatus.DISCONNECTED))
        finished = await harness.until_finished()

    assert (finished.outcome, finished.reason) == (Outcome.FAILED, "the integration is disconnected")


async def test_news_of_an_integration_has_the_runs_that_wait_looked_at_now(
    harness: ThrottledRunHarness,
) -> None:
    woken = asyncio.Event()
    handlers = SyncHandlers(harness.integrations, harness.runs, woken.set)

    await handlers.on_integration_changed([changed(IntegrationStatus.DISCONNECTED)])

    assert woken.is_set()


async def test_a_run_that_waits_makes_room_for_the_first_run_of_a_new_connection(
    harness: ThrottledRunHarness,
) -> None:
    await harness.queue("old")
    await harness.work()
    await harness.integrations.on_connected(connected(generation=2))
    await harness.runs.queue(a_request("new"))

    async with harness.working():
        while len(finished := await harness.finished()) < 2:
            await asyncio.sleep(0.01)

    assert [(ended.sync_id, ended.outcome) for ended in finished] == [
        ("old", Outcome.FAILED),
        ("new", Outcome.COMPLETE),
    ]
    assert finished[0].reason == "the integration was connected anew"


async def test_a_provider_that_only_ever_asks_for_pauses_is_waited_for_a_week(
    harness: ThrottledRunHarness,
) -> None:
    harness.definition.pauses = [timedelta(days=3)] * 3
    await harness.queue()
    for _ in range(2):
        await harness.work()
        harness.now += timedelta(days=3)
    assert await harness.finished() == []

    await harness.work()

    [finished] = await harness.finished()
    assert finished.outcome is Outcome.PARTIAL
    assert "answered 429" in (finished.reason or "")


async def test_a_run_that_gets_further_between_its_pauses_may_take_as_long_as_it_needs(
    harness: ThrottledRunHarness,
) -> None:
    harness.definition.pauses, harness.definition.dones = [timedelta(days=3)] * 4, [10, 20, 30, 40]
    await harness.queue()
    for _ in range(5):
        await harness.work()
        harness.now += timedelta(days=3)

    assert [finished.outcome for finished in await harness.finished()] == [Outcome.COMPLETE]
