from datetime import timedelta

import pytest
from psa import a_line
from writes import LINE, WriteHarness, a_write, the_only

from psa_sync.writes.jobs import WriteJob
from shared.contracts.psa_sync import QuantityWritten
from shared.mongo import Mongo
from shared.runtime.health import Health
from shared.runtime.leases import Leases


@pytest.fixture
async def bench(mongo: Mongo) -> WriteHarness:
    bench = WriteHarness(mongo)
    bench.psa.holds["902"] = a_line("902")
    await bench.connect()
    return bench


def rounds(bench: WriteHarness) -> WriteJob:
    return WriteJob(bench.writes, bench.writer(), Leases(bench.mongo), Health("psa-sync"))


async def test_a_round_carries_every_line_that_is_due(bench: WriteHarness) -> None:
    await bench.writes.ask([a_write(), a_write(approval_id="apr_2", line_id="902")])

    assert await rounds(bench).step()

    assert {line_id for line_id, _ in bench.psa.applied} == {"901", "902"}
    assert not await rounds(bench).step()


async def test_a_line_that_breaks_does_not_hold_up_the_others(bench: WriteHarness) -> None:
    await bench.writes.ask([a_write(), a_write(approval_id="apr_2", line_id="902")])
    bench.psa.faults = {"line 901": [ValueError("a bug")]}

    assert await rounds(bench).step()

    written = the_only(await bench.said(), QuantityWritten)
    assert written.line_id == "902"


async def test_a_line_that_another_worker_holds_is_left_to_it(bench: WriteHarness) -> None:
    await bench.writes.ask([a_write()])
    name = f"write:{LINE.tenant_id}:{LINE.integration_id}:{LINE.line_id}"
    await Leases(bench.mongo).take(name, timedelta(minutes=1))

    assert not await rounds(bench).step()

    assert bench.psa.calls == []
