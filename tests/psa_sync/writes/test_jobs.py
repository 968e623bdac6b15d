from datetime import timedelta

import pytest
from psa import a_line
from writes import LINE, WriteHarness, a_write, only_message

from psa_sync.writes.jobs import WriteJob
from shared.contracts.psa_sync import QuantityWritten
from shared.mongo import Mongo
from shared.runtime.health import Health
from shared.runtime.leases import Leases


@pytest.fixture
async def harness(mongo: Mongo) -> WriteHarness:
    harness = WriteHarness(mongo)
    harness.psa.held_lines["902"] = a_line("902")
    await harness.connect_integration()
    return harness


def a_job(harness: WriteHarness) -> WriteJob:
    return WriteJob(harness.writes, harness.writer(), Leases(harness.mongo), Health("psa-sync"))


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
