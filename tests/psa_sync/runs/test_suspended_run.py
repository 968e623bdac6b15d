import asyncio

import pytest
from psa_runs import PsaRunHarness

from shared.contracts.base import Outcome
from shared.contracts.psa_sync import AgreementLineObserved, PsaRunFinished
from shared.errors import LongPause
from shared.mongo import Mongo


@pytest.fixture
async def harness(mongo: Mongo) -> PsaRunHarness:
    return PsaRunHarness(mongo)


async def test_a_run_that_was_suspended_goes_on_where_it_was(harness: PsaRunHarness) -> None:
    harness.psa.hangs_at = "lines 78"
    await harness.queue()
    stopped = harness.worker()
    async with asyncio.TaskGroup() as group:
        group.create_task(stopped.step())
        await harness.wait_until_read("77")
        stopped.stop()

    harness.psa.hangs_at, harness.psa.calls = "", []
    await harness.worker().step()

    assert harness.psa.calls == ["lines 78"]
    assert len(harness.published(AgreementLineObserved)) == 3


async def test_a_run_whose_psa_asks_for_a_long_pause_goes_on_where_it_was_when_it_is_due(
    harness: PsaRunHarness,
) -> None:
    harness.calls_at_once = 1
    harness.psa.faults = {"lines 78": [LongPause("GET lines answered 429", retry_after=3600, status=429)]}
    await harness.queue()

    assert await harness.worker().step()
    assert not await harness.worker().step()
    assert await harness.outbox_messages() == []

    harness.psa.calls.clear()
    await harness.mongo.all_tenants("runs").change({}, {"$set": {"not_before": None}})
    await harness.worker().step()

    assert harness.psa.calls == ["lines 78"]
    [finished] = await harness.outbox_messages()
    assert isinstance(finished, PsaRunFinished)
    assert finished.outcome is Outcome.COMPLETE


async def test_a_run_that_an_older_build_left_without_reports_is_read_from_its_start(
    harness: PsaRunHarness,
) -> None:
    await harness.run()
    harness.psa.hangs_at = "lines 77"
    await harness.queue()
    harness.status_channel.reports.clear()
    suspended = harness.worker()
    async with asyncio.TaskGroup() as group:
        group.create_task(suspended.step())
        await harness.status_channel.wait_for_phase("lines")
        suspended.stop()
    # As an older build left it, which stored the phase of a run and no reports.
    runs = harness.mongo.all_tenants("runs")
    assert await runs.change({"state": "running", "phase": "lines"}, {"$unset": {"reports": ""}})

    harness.psa.hangs_at, harness.psa.calls = "", []
    await harness.worker().step()

    finished = (await harness.outbox_messages())[-1]
    assert isinstance(finished, PsaRunFinished)
    assert (finished.outcome, finished.reason) == (Outcome.COMPLETE, None)
    assert {"companies", "products", "agreements", "lines 77"} <= set(harness.psa.calls)
