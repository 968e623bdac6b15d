import pytest
from writes import LINE, NOW, WriteHarness, a_write

from psa_sync.writes.intent import Stage
from shared.contracts.psa_sync import QuantityWritten
from shared.errors import Conflict
from shared.mongo import Mongo


@pytest.fixture
async def bench(mongo: Mongo) -> WriteHarness:
    return WriteHarness(mongo)


async def test_a_write_comes_back_as_it_was_stored(bench: WriteHarness) -> None:
    await bench.writes.ask([a_write()])

    intent = await bench.writes.head(LINE)

    assert intent is not None
    assert (intent.command, intent.stage, intent.due_at) == (a_write(), Stage.WAITING, NOW)


async def test_a_worker_that_was_overtaken_stores_nothing(bench: WriteHarness) -> None:
    await bench.writes.ask([a_write()])
    late = await bench.writes.head(LINE)
    assert late
    await bench.writes.save(late.sending())

    with pytest.raises(Conflict):
        await bench.writes.save(late.later(NOW))
    with pytest.raises(Conflict):
        await bench.writes.finish(late.written(NOW, sent=True), [])

    current = await bench.writes.head(LINE)
    assert current
    assert (current.stage, current.version) == (Stage.SENDING, 1)


async def test_a_result_is_stored_and_said_together_or_not_at_all(bench: WriteHarness) -> None:
    await bench.writes.ask([a_write()])
    intent = await bench.writes.head(LINE)
    assert intent
    done = intent.written(NOW, sent=True)
    await bench.writes.finish(done, [done.result] if done.result else [])

    with pytest.raises(Conflict):
        await bench.writes.finish(done, [done.result] if done.result else [])

    assert [type(said) for said in await bench.said()] == [QuantityWritten]


async def test_the_first_command_of_an_approval_counts(bench: WriteHarness) -> None:
    await bench.writes.ask([a_write("10")])
    await bench.writes.ask([a_write("12")])

    intent = await bench.writes.head(LINE)

    assert intent
    assert intent.command.target == 10


async def test_another_tenants_writes_are_not_seen(bench: WriteHarness) -> None:
    await bench.writes.ask([a_write().model_copy(update={"tenant_id": "other"})])

    assert await bench.writes.head(LINE) is None


async def test_writes_keep_the_order_in_which_they_were_asked(bench: WriteHarness) -> None:
    await bench.writes.ask([a_write(approval_id=f"apr_{number}") for number in range(12)])

    order = []
    while intent := await bench.writes.head(LINE):
        order.append(intent.command.approval_id)
        await bench.writes.finish(intent.written(NOW, sent=False), [])

    assert order == [f"apr_{number}" for number in range(12)]
