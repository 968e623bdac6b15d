"""A cancelled write that was never sent ends at once, whatever it or another write of its line waits for."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from writes import LINE, NOW, KillingIntentStore, WriteHarness, a_cancel, a_write, only_message, the_refusal

from psa_sync.writes.intent import Intent
from shared.contracts import Message
from shared.contracts.auth import IntegrationStatus
from shared.contracts.psa_sync import QuantityRefused, QuantityWritten
from shared.contracts.quantity_write import WriteRefusal
from shared.errors import TransientError
from shared.mongo import Mongo

CANCEL = a_cancel(a_write())


@pytest.fixture
async def harness(mongo: Mongo) -> WriteHarness:
    harness = WriteHarness(mongo)
    await harness.connect_integration()
    return harness


async def test_a_cancel_that_comes_while_a_step_is_made_ends_a_write_that_is_put_off_by_it(
    harness: WriteHarness,
) -> None:
    await harness.writes.receive([a_write()])
    intent = await harness.writes.next_unfinished(LINE)
    assert intent
    await harness.writes.cancel([CANCEL])
    await harness.writes.save(intent.postpone(NOW + timedelta(hours=1)))

    assert await harness.writes.due_lines(50) == [LINE]
    await harness.work_once()

    assert (await the_refusal(harness)).reason is WriteRefusal.CANCELLED


async def test_a_cancelled_write_does_not_wait_as_long_as_another_of_its_line(harness: WriteHarness) -> None:
    second = a_write("12", expected="10", approval_id="apr_2")
    await harness.writes.receive([a_write(), second])
    intent = await harness.writes.next_unfinished(LINE)
    assert intent
    await harness.writes.cancel([a_cancel(second)])
    await harness.writes.save(intent.postpone(NOW + timedelta(hours=1)))

    assert await harness.writes.due_lines(50) == [LINE]
    await harness.work_once()

    assert (await the_refusal(harness)).approval_id == "apr_2"
    assert await harness.writes.due_lines(50) == []


async def test_a_write_that_waits_out_the_request_of_another_is_cancelled_at_once(
    harness: WriteHarness,
) -> None:
    harness.psa.write_faults = ["late", "refused"]
    second = a_write("12", approval_id="apr_2")
    await harness.writes.receive([a_write()])
    await harness.work_once()
    await harness.connect_integration(IntegrationStatus.DISCONNECTED, revision=2)
    harness.now += timedelta(seconds=5)
    await harness.work_once()
    await harness.connect_integration(revision=3)
    await harness.writes.receive([second])
    await harness.work_once()
    calls = list(harness.psa.calls)

    await harness.writes.cancel([a_cancel(second)])
    await harness.work_once()

    first, refused = await harness.outbox_messages()
    assert isinstance(first, QuantityRefused)
    assert isinstance(refused, QuantityRefused)
    assert [first.reason, refused.reason] == [WriteRefusal.UNKNOWN_OUTCOME, WriteRefusal.CANCELLED]
    assert harness.psa.calls == calls


async def test_a_sent_write_that_was_put_off_for_long_is_read_when_it_is_cancelled(
    harness: WriteHarness,
) -> None:
    harness.psa.write_faults = ["cut-after"]
    harness.psa.read_faults = [None, TransientError("429", retry_after=3600)]
    await harness.writes.receive([a_write()])
    await harness.work_once()
    harness.now += timedelta(seconds=5)
    await harness.work_once()
    assert await harness.writes.due_lines(50) == []

    await harness.writes.cancel([CANCEL])
    await harness.work_once()

    assert only_message(await harness.outbox_messages(), QuantityWritten).sent


class BrokenEnd(KillingIntentStore):
    """A store that an error of our own keeps from ending a write, so many times."""

    times = 3

    async def finish(self, intent: Intent, messages: Sequence[Message]) -> Intent:
        self.times -= 1
        if self.times >= 0:
            raise ValueError("a bug")
        return await super().finish(intent, messages)


async def test_a_cancelled_write_that_cannot_be_ended_is_tried_again_by_the_next_round(
    harness: WriteHarness,
) -> None:
    harness.intents = BrokenEnd(harness.writes)
    await harness.writes.receive([a_write()])
    await harness.writes.cancel([CANCEL])

    for _ in range(3):
        with pytest.raises(ValueError, match="a bug"):
            await harness.work_once()
    await harness.work_once()

    assert (await the_refusal(harness)).reason is WriteRefusal.CANCELLED
