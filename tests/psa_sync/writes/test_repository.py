import pytest
from writes import LINE, NOW, WriteHarness, a_write

from psa_sync.writes.intent import WriteStage
from shared.contracts.psa_sync import QuantityWritten
from shared.mongo import Mongo
from shared.runtime.leases import LeaseLost


@pytest.fixture
async def harness(mongo: Mongo) -> WriteHarness:
    return WriteHarness(mongo)


async def test_a_write_comes_back_as_it_was_stored(harness: WriteHarness) -> None:
    await harness.writes.receive([a_write()])

    intent = await harness.writes.next_unfinished(LINE)

    assert intent is not None
    assert (intent.command, intent.stage, intent.due_at) == (a_write(), WriteStage.WAITING, NOW)


async def test_a_worker_that_was_overtaken_stores_nothing(harness: WriteHarness) -> None:
    await harness.writes.receive([a_write()])
    late = await harness.writes.next_unfinished(LINE)
    assert late
    await harness.writes.save(late.begin_send(NOW))

    with pytest.raises(LeaseLost):
        await harness.writes.save(late.postpone(NOW))
    with pytest.raises(LeaseLost):
        await harness.writes.finish(late.finish_written(NOW, sent=True), [])

    current = await harness.writes.next_unfinished(LINE)
    assert current
    assert (current.stage, current.version) == (WriteStage.SENDING, 1)


async def test_a_result_is_stored_and_sent_together_or_not_at_all(harness: WriteHarness) -> None:
    await harness.writes.receive([a_write()])
    intent = await harness.writes.next_unfinished(LINE)
    assert intent
    done = intent.finish_written(NOW, sent=True)
    await harness.writes.finish(done, [done.result] if done.result else [])

    with pytest.raises(LeaseLost):
        await harness.writes.finish(done, [done.result] if done.result else [])

    assert [type(message) for message in await harness.outbox_messages()] == [QuantityWritten]


async def test_the_first_command_of_an_approval_counts(harness: WriteHarness) -> None:
    await harness.writes.receive([a_write("10")])
    await harness.writes.receive([a_write("12")])

    intent = await harness.writes.next_unfinished(LINE)

    assert intent
    assert intent.command.target == 10


async def test_another_tenants_writes_are_not_seen(harness: WriteHarness) -> None:
    await harness.writes.receive([a_write().model_copy(update={"tenant_id": "other"})])

    assert await harness.writes.next_unfinished(LINE) is None


async def test_writes_keep_the_order_in_which_they_were_commanded(harness: WriteHarness) -> None:
    await harness.writes.receive([a_write(approval_id=f"apr_{number}") for number in range(12)])

    order = []
    while intent := await harness.writes.next_unfinished(LINE):
        order.append(intent.command.approval_id)
        await harness.writes.finish(intent.finish_written(NOW, sent=False), [])

    assert order == [f"apr_{number}" for number in range(12)]
