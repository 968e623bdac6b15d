import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from psa import FakePsa, a_line
from writes import LINE, NOW, WriteHarness, a_write, connected, only_message

from psa_sync.writes.jobs import WriteJobs
from shared.contracts.psa_sync import QuantityWritten
from shared.mongo import Mongo
from shared.runtime.health import Health
from shared.runtime.jobs import Job
from shared.runtime.leases import Leases
from shared.sync_engine.models import IntegrationState


@pytest.fixture
async def harness(mongo: Mongo) -> WriteHarness:
    harness = WriteHarness(mongo)
    harness.psa.held_lines["902"] = a_line("902")
    await harness.connect_integration()
    return harness


def the_jobs(harness: WriteHarness) -> WriteJobs:
    return WriteJobs(harness.writes, harness.writer(), Leases(harness.mongo), Health("psa-sync"))


def a_job(harness: WriteHarness) -> Job:
    return the_jobs(harness).jobs[0]


async def test_a_round_carries_every_line_that_is_due(harness: WriteHarness) -> None:
    await harness.writes.receive([a_write(), a_write(approval_id="apr_2", line_id="902")])

    assert await a_job(harness).step()

    assert {line_id for line_id, _ in harness.psa.applied} == {"901", "902"}
    assert not await a_job(harness).step()


async def test_a_line_that_breaks_does_not_hold_up_the_others(harness: WriteHarness) -> None:
    await harness.writes.receive([a_write(), a_write(approval_id="apr_2", line_id="902")])
    harness.psa.faults = {"line 901": [ValueError("a bug")]}

    assert await a_job(harness).step()

    written = only_message(await harness.outbox_messages(), QuantityWritten)
    assert written.line_id == "902"


async def test_a_line_that_breaks_is_put_off_so_that_rounds_have_room_for_others(
    harness: WriteHarness,
) -> None:
    await harness.writes.receive([a_write()])
    harness.psa.faults = {"line 901": [ValueError("a bug")]}

    await a_job(harness).step()
    assert await harness.writes.due_lines(50) == []

    harness.now += timedelta(minutes=2)
    assert await harness.writes.due_lines(50) == [LINE]


async def test_a_line_that_another_worker_holds_is_left_to_it(harness: WriteHarness) -> None:
    await harness.writes.receive([a_write()])
    name = f"write:{LINE.tenant_id}:{LINE.integration_id}:{LINE.line_id}"
    await Leases(harness.mongo).take(name, timedelta(minutes=1))

    assert not await a_job(harness).step()

    assert harness.psa.calls == []


@pytest.mark.timeout(120)
async def test_a_psa_that_never_answers_holds_up_the_writes_of_no_other_tenant(harness: WriteHarness) -> None:
    hanging, others = asyncio.Event(), FakePsa(held_lines={"901": a_line()})

    @asynccontextmanager
    async def connect(integration: IntegrationState) -> AsyncIterator[FakePsa]:
        if integration.tenant_id == "demo":
            hanging.set()
            await asyncio.Event().wait()
        yield others

    harness.connect = connect
    ids = {"tenant_id": "zeta", "integration_id": "int_zeta"}
    await harness.integrations.on_connected(connected().model_copy(update=ids))
    jobs, stop = the_jobs(harness), asyncio.Event()
    working = [asyncio.create_task(job.run(stop, jobs.health)) for job in jobs.jobs]
    try:
        # More than one round looks at, and all of them due before the other tenant's.
        await harness.writes.receive(
            [a_write(approval_id=f"apr_{number}", line_id=f"9{number}") for number in range(60)]
        )
        await hanging.wait()
        harness.now = NOW + timedelta(seconds=5)
        await harness.writes.receive([a_write(approval_id="apr_zeta").model_copy(update=ids)])
        jobs.wake()

        while not others.applied:
            await asyncio.sleep(0)
    finally:
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)


async def test_tenants_whose_writes_are_due_take_turns(harness: WriteHarness) -> None:
    ids = {"tenant_id": "zeta", "integration_id": "int_zeta"}
    await harness.integrations.on_connected(connected().model_copy(update=ids))
    held_elsewhere = f"write:{LINE.tenant_id}:{LINE.integration_id}:{LINE.line_id}"
    await Leases(harness.mongo).take(held_elsewhere, timedelta(minutes=1))
    await harness.writes.receive([a_write(), a_write(approval_id="apr_2").model_copy(update=ids)])
    job = a_job(harness)

    assert not await job.step()
    assert await job.step()
