"""Workers that are killed, or overtaken, around the moment in which a run is put down or taken up again."""

import pytest
from interleaving import InterleavedMongo
from run_env import NOW, changed
from throttled_runs import HOUR, ThrottledRunHarness

from shared.contracts.auth import IntegrationStatus
from shared.contracts.base import Outcome
from shared.errors import LongPause
from shared.mongo import Mongo
from shared.runtime.leases import LeaseLost

A_PAUSE = LongPause("GET api.example/x answered 429: nothing", retry_after=HOUR.total_seconds(), status=429)

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def harness(mongo: Mongo) -> ThrottledRunHarness:
    return ThrottledRunHarness(mongo)


async def test_a_worker_killed_before_the_run_was_put_down_leaves_it_to_the_next(
    harness: ThrottledRunHarness,
) -> None:
    await harness.queue()
    claimed = await harness.runs.claim()
    assert claimed is not None
    await harness.runs.advance(claimed, "details", {})
    await harness.mongo.all_tenants("leases").change_many({}, {"$set": {"until": NOW}})

    assert await harness.work()

    assert (harness.definition.began, (await harness.stored())["not_before"]) == (["details"], NOW + HOUR)


async def test_a_worker_killed_right_after_the_run_was_put_down_loses_nothing(
    harness: ThrottledRunHarness,
) -> None:
    await harness.queue()
    claimed = await harness.runs.claim()
    assert claimed is not None
    claimed = await harness.runs.advance(claimed, "details", {})
    await harness.runs.put_down(claimed, A_PAUSE, done=40, total=100)
    await harness.mongo.all_tenants("leases").change_many({}, {"$set": {"until": NOW}})

    assert not await harness.work()
    harness.definition.pauses.clear()
    harness.now += HOUR
    assert await harness.work()

    assert (harness.definition.began, len(await harness.finished())) == (["details"], 1)


async def test_a_worker_killed_right_after_taking_a_run_up_again_leaves_it_where_it_was(
    harness: ThrottledRunHarness,
) -> None:
    await harness.queue()
    await harness.work()
    harness.now += HOUR
    claimed = await harness.runs.claim()
    assert claimed is not None
    assert (claimed.run.phase, claimed.run.not_before) == ("details", None)
    await harness.mongo.all_tenants("leases").change_many({}, {"$set": {"until": NOW}})

    assert await harness.work()

    assert harness.definition.began == ["lists", "details", "details"]


async def test_a_worker_that_was_succeeded_puts_nothing_down(harness: ThrottledRunHarness) -> None:
    await harness.queue()
    late = await harness.runs.claim()
    assert late is not None
    await late.lease.release()
    assert await harness.runs.claim() is not None

    with pytest.raises(LeaseLost):
        await harness.runs.put_down(late, A_PAUSE, done=0, total=None)

    assert (await harness.stored())["not_before"] is None


async def test_a_run_put_down_while_another_looks_for_work_is_not_claimed(
    harness: ThrottledRunHarness, mongo: Mongo
) -> None:
    await harness.queue()
    claimed = await harness.runs.claim()
    assert claimed is not None

    async def put_down() -> None:
        await harness.runs.put_down(claimed, A_PAUSE, done=40, total=100)
        await claimed.lease.release()

    store = InterleavedMongo(mongo, "leases.find_one_and_update", put_down)

    assert await harness.repository(store).claim() is None

    assert (await harness.stored())["not_before"] == NOW + HOUR


async def test_a_run_that_is_put_down_right_after_it_was_disconnected_ends_promptly(
    harness: ThrottledRunHarness,
) -> None:
    await harness.queue()
    claimed = await harness.runs.claim()
    assert claimed is not None

    await harness.integrations.on_changed(changed(IntegrationStatus.DISCONNECTED))
    await harness.runs.put_down(claimed, A_PAUSE, done=40, total=100)
    await claimed.lease.release()

    async with harness.working():
        finished = await harness.until_finished()
    assert finished.outcome is Outcome.FAILED
