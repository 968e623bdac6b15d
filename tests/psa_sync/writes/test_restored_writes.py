"""psa-sync's database was restored: what was approved before may have been sent, and have ended."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from writes import NOW, TEN, WriteHarness, a_cancel, a_write, only_message

from psa_sync.writes.intent import LONGEST_REQUEST_LIFE
from shared.contracts.psa_sync import QuantityRefused, QuantityWritten
from shared.contracts.quantity_write import WriteRefusal
from shared.mongo import Mongo


@pytest.fixture
async def restored(mongo: Mongo) -> WriteHarness:
    """The database went back to before the command, which Kafka delivers again."""
    harness = WriteHarness(mongo)
    await harness.connect_integration()
    await harness.restores.note()
    harness.now += timedelta(seconds=2)
    await harness.writes.receive([a_write()])
    return harness


async def test_what_was_approved_before_is_not_sent_any_more(restored: WriteHarness) -> None:
    """It may have ended, and a person have decided anew."""
    await restored.work_until_done()

    refused = only_message(await restored.outbox_messages(), QuantityRefused)
    assert (refused.reason, refused.sent) == (WriteRefusal.UNKNOWN_OUTCOME, True)
    assert refused.detail == (
        "it is not sent any more; the line holds 8; what was sent before psa-sync's database was restored is "
        "not known"
    )
    assert restored.psa.sent == []


async def test_what_is_approved_since_waits_until_no_request_from_before_can_arrive(
    restored: WriteHarness,
) -> None:
    later = a_write(approval_id="apr_2").model_copy(update={"decided_at": NOW + timedelta(seconds=30)})
    await restored.writes.receive([later])
    restored.now += LONGEST_REQUEST_LIFE - timedelta(seconds=3)
    await restored.work_once()
    assert restored.psa.calls == []

    await restored.work_until_done()

    results = {type(one).__name__ for one in await restored.outbox_messages()}
    assert results == {"QuantityRefused", "QuantityWritten"}  # of the one before, and of the one since
    assert [quantity for _, quantity in restored.psa.applied] == [TEN]


async def test_a_request_from_before_undoes_nothing_that_is_proven_since(mongo: Mongo) -> None:
    harness = WriteHarness(mongo)
    harness.psa.write_faults = ["late"]
    await harness.connect_integration()
    await harness.writes.receive([a_write("10")])
    await harness.work_once()  # 10 is under way, without an answer
    await forget_writes(mongo)
    await harness.restores.note()

    later = a_write("20").model_copy(
        update={"approval_id": "apr_2", "decided_at": NOW + timedelta(minutes=1)}
    )
    await harness.writes.receive([later])
    await harness.work_once()
    harness.psa.deliver_late()  # as late as a request can arrive
    await harness.work_until_done()

    refused = only_message(await harness.outbox_messages(), QuantityRefused)
    assert (refused.reason, refused.current) == (WriteRefusal.CONFLICT, TEN)


async def forget_writes(mongo: Mongo) -> None:
    """Has the database be as it was before any command."""
    rows = mongo.all_tenants("writes")
    await rows.remove_many([row["_id"] for row in await rows.find({})])


async def test_what_was_sent_before_is_found_to_be_written_although_it_is_cancelled(
    restored: WriteHarness,
) -> None:
    restored.psa.set_line("901", "10")
    await restored.writes.cancel([a_cancel(a_write())])

    await restored.work_until_done()

    written = only_message(await restored.outbox_messages(), QuantityWritten)
    assert (written.after, written.sent) == (TEN, True)
    assert restored.psa.sent == []


async def test_a_cancelled_write_is_not_said_to_be_unsent(restored: WriteHarness) -> None:
    await restored.writes.cancel([a_cancel(a_write())])

    await restored.work_until_done()

    refused = only_message(await restored.outbox_messages(), QuantityRefused)
    assert (refused.reason, refused.sent) == (WriteRefusal.UNKNOWN_OUTCOME, True)
    assert refused.current == Decimal(8)
    assert restored.psa.sent == []


async def test_a_line_with_other_terms_is_not_said_to_be_unsent(restored: WriteHarness) -> None:
    restored.psa.held_lines["901"] = replace(restored.psa.held_lines["901"], product_id="513")

    await restored.work_until_done()

    refused = only_message(await restored.outbox_messages(), QuantityRefused)
    assert (refused.reason, refused.sent) == (WriteRefusal.UNKNOWN_OUTCOME, True)


async def test_a_write_that_is_approved_long_after_a_restore_is_made_at_once(mongo: Mongo) -> None:
    harness = WriteHarness(mongo)
    await harness.restores.note()
    harness.now += LONGEST_REQUEST_LIFE

    command = a_write().model_copy(update={"decided_at": harness.now})
    await harness.connect_integration()
    await harness.writes.receive([command])
    await harness.work_once()

    assert only_message(await harness.outbox_messages(), QuantityWritten).after == TEN
