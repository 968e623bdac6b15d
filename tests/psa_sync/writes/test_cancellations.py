"""A cancelled write is not begun any more; one that may have been sent is read and reported as ever."""

from datetime import timedelta
from decimal import Decimal

import pytest
from writes import EIGHT, LINE, NOW, TEN, WriteHarness, a_cancel, a_write, only_message, the_refusal

from shared.contracts.psa_sync import QuantityRefused, QuantityWritten
from shared.contracts.quantity_write import WriteRefusal
from shared.errors import Conflict, TransientError
from shared.mongo import Mongo
from shared.runtime.leases import LeaseLost

CANCEL = a_cancel(a_write())


@pytest.fixture
async def harness(mongo: Mongo) -> WriteHarness:
    harness = WriteHarness(mongo)
    await harness.connect_integration()
    return harness


async def test_a_write_that_waits_is_cancelled_without_a_look_at_the_psa(harness: WriteHarness) -> None:
    await harness.writes.receive([a_write()])
    await harness.writes.cancel([CANCEL])
    await harness.work_once()

    refused = await the_refusal(harness)
    assert (refused.reason, refused.sent) == (WriteRefusal.CANCELLED, False)
    assert "the mapping was revoked" in refused.detail
    assert harness.psa.calls == []


async def test_a_cancel_that_overtakes_its_command_keeps_it_from_being_begun(harness: WriteHarness) -> None:
    await harness.writes.cancel([CANCEL])
    await harness.work_once()
    assert await harness.outbox_messages() == []

    await harness.writes.receive([a_write(), a_write("9", approval_id="apr_2")])
    await harness.work_until_done()

    refused, written = await harness.outbox_messages()
    assert isinstance(refused, QuantityRefused)
    assert isinstance(written, QuantityWritten)
    assert (refused.approval_id, refused.reason) == ("apr_1", WriteRefusal.CANCELLED)
    assert harness.psa.applied == [("901", Decimal(9))]


async def test_a_cancel_delivered_twice_and_its_command_again_give_the_same_answer(
    harness: WriteHarness,
) -> None:
    await harness.writes.cancel([CANCEL, CANCEL])
    await harness.writes.receive([a_write()])
    await harness.work_once()
    await harness.writes.cancel([CANCEL])
    await harness.writes.receive([a_write()])
    await harness.work_once()

    first, again = await harness.outbox_messages()
    assert first == again


async def test_a_write_that_waits_for_its_psa_is_cancelled_at_once(harness: WriteHarness) -> None:
    harness.psa.read_faults = [TransientError("429", retry_after=3600)]
    await harness.writes.receive([a_write()])
    await harness.work_once()
    harness.now += timedelta(seconds=1)
    await harness.writes.cancel([CANCEL])

    await harness.work_once()

    assert (await the_refusal(harness)).reason is WriteRefusal.CANCELLED


async def test_a_cancelled_write_waits_for_no_write_before_it(harness: WriteHarness) -> None:
    harness.psa.read_faults = [TransientError("429", retry_after=600)]
    second = a_write("12", expected="10", approval_id="apr_2")
    await harness.writes.receive([a_write(), second])
    await harness.work_once()
    await harness.writes.cancel([a_cancel(second)])
    await harness.work_once()

    assert (await the_refusal(harness)).approval_id == "apr_2"
    harness.now += timedelta(minutes=11)
    await harness.work_until_done()
    assert harness.psa.applied == [("901", TEN)]


async def test_a_cancel_that_comes_while_the_line_is_read_keeps_the_write_from_being_sent(
    harness: WriteHarness,
) -> None:
    await harness.writes.receive([a_write()])
    intent = await harness.writes.next_unfinished(LINE)
    assert intent
    await harness.writes.cancel([CANCEL])

    with pytest.raises(LeaseLost):
        await harness.writes.save_before_send(intent.begin_send(NOW))
    await harness.work_once()

    assert (await the_refusal(harness)).reason is WriteRefusal.CANCELLED
    assert harness.psa.sent == []


async def test_a_step_of_a_worker_that_knows_of_no_cancel_leaves_it_in_place(harness: WriteHarness) -> None:
    await harness.writes.receive([a_write()])
    intent = await harness.writes.next_unfinished(LINE)
    assert intent
    await harness.writes.cancel([CANCEL])

    await harness.writes.save(intent.postpone(NOW))

    after = await harness.writes.next_unfinished(LINE)
    assert after
    assert after.cancelled == CANCEL.reason


@pytest.mark.parametrize("fault", ["cut-after", "killed-after", "works"])
async def test_a_cancelled_write_that_took_effect_is_proven_as_ever(
    harness: WriteHarness, fault: str
) -> None:
    harness.psa.write_faults = [fault]
    harness.intents.kill_at = "after sent"
    await harness.writes.receive([a_write()])
    await harness.work_once()
    await harness.writes.cancel([CANCEL])

    await harness.work_until_done()

    written = only_message(await harness.outbox_messages(), QuantityWritten)
    assert (written.before, written.after, written.sent) == (EIGHT, TEN, True)


async def test_a_cancelled_write_that_was_sent_without_an_answer_is_not_sent_again(
    harness: WriteHarness,
) -> None:
    harness.psa.write_faults = ["cut-before"]
    await harness.writes.receive([a_write()])
    await harness.work_once()
    await harness.writes.cancel([CANCEL])

    await harness.work_until_done()

    refused = await the_refusal(harness)
    assert (refused.reason, refused.current, refused.sent) == (WriteRefusal.UNKNOWN_OUTCOME, EIGHT, True)
    assert "and then cancelled (the mapping was revoked)" in refused.detail
    assert len(harness.psa.sent) == 1


async def test_a_cancelled_request_that_arrives_late_is_found(harness: WriteHarness) -> None:
    harness.psa.write_faults = ["late"]
    await harness.writes.receive([a_write()])
    await harness.work_once()
    await harness.writes.cancel([CANCEL])
    harness.now += timedelta(minutes=1)
    await harness.work_once()
    harness.psa.deliver_late()

    await harness.work_until_done()

    assert only_message(await harness.outbox_messages(), QuantityWritten).sent


async def test_what_has_ended_is_not_changed_by_a_cancel(harness: WriteHarness) -> None:
    written = only_message(await harness.write(a_write()), QuantityWritten)

    await harness.writes.cancel([CANCEL])
    await harness.work_once()

    assert await harness.outbox_messages() == [written]


async def test_a_cancel_of_another_tenant_cancels_nothing(harness: WriteHarness) -> None:
    await harness.writes.receive([a_write()])
    with pytest.raises(Conflict):
        await harness.writes.cancel([CANCEL.model_copy(update={"tenant_id": "other"})])

    await harness.work_until_done()

    only_message(await harness.outbox_messages(), QuantityWritten)
