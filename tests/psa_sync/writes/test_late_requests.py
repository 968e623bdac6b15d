"""A request that got no answer may arrive late: it must not undo what was written after it."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from writes import LINE, NOW, TEN, WriteHarness, a_write

from psa_sync.writes.intent import LONGEST_REQUEST_LIFE
from shared.contracts.auth import IntegrationStatus
from shared.contracts.psa_sync import QuantityRefused, QuantityWritten
from shared.contracts.quantity_write import WriteRefusal
from shared.mongo import Mongo

FIRST = a_write("10", expected="8")
LONG_ENOUGH = NOW + LONGEST_REQUEST_LIFE


@pytest.fixture
async def harness(mongo: Mongo) -> WriteHarness:
    harness = WriteHarness(mongo)
    await harness.connect_integration()
    return harness


async def test_a_first_request_that_arrives_after_the_second_approval_undoes_nothing(
    harness: WriteHarness,
) -> None:
    # The first is cut off, the repeat is answered: 10 is proven while the first is still under way.
    harness.psa.write_faults = ["late"]
    await harness.writes.receive([FIRST])
    await harness.work_once()
    harness.now += timedelta(seconds=5)
    await harness.work_once()
    assert [type(message) for message in await harness.outbox_messages()] == [QuantityWritten]

    await harness.writes.receive([a_write("20", expected="10", approval_id="apr_2")])
    await harness.work_once()
    assert [quantity for _, quantity in harness.psa.sent] == [10, 10]

    harness.now = LONG_ENOUGH - timedelta(seconds=1)
    await harness.work_once()
    harness.psa.deliver_late()
    assert [quantity for _, quantity in harness.psa.sent] == [10, 10]
    await harness.work_until_done()

    assert harness.psa.held_lines["901"].quantity == 20
    first, second = await harness.outbox_messages()
    assert isinstance(first, QuantityWritten)
    assert isinstance(second, QuantityWritten)
    assert (second.before, second.after) == (TEN, Decimal(20))


async def test_after_an_unknown_outcome_the_next_approval_waits_then_reads_then_compares(
    harness: WriteHarness,
) -> None:
    # The integration is disconnected while the outcome is open: the write ends with nothing more to read.
    harness.psa.write_faults = ["late"]
    await harness.writes.receive([FIRST])
    await harness.work_once()
    harness.now += timedelta(seconds=2)
    await harness.connect_integration(IntegrationStatus.DISCONNECTED, revision=2)
    await harness.work_once()
    await harness.connect_integration(revision=3)
    (unknown,) = await harness.outbox_messages()
    assert isinstance(unknown, QuantityRefused)
    assert (unknown.reason, unknown.sent) == (WriteRefusal.UNKNOWN_OUTCOME, True)

    await harness.writes.receive([a_write("20", expected="8", approval_id="apr_2")])
    await harness.work_once()
    assert len(harness.psa.sent) == 1
    harness.psa.deliver_late()
    await harness.work_until_done()

    assert harness.now >= LONG_ENOUGH
    _, second = await harness.outbox_messages()
    assert isinstance(second, QuantityRefused)
    assert (second.reason, second.current, second.sent) == (WriteRefusal.CONFLICT, TEN, False)
    assert harness.psa.held_lines["901"].quantity == 10


async def test_a_request_that_arrives_after_the_last_repeat_is_still_found(harness: WriteHarness) -> None:
    harness.psa.write_faults = ["late", *["cut-before"] * 20]
    await harness.writes.receive([FIRST])
    for _ in range(10):
        await harness.work_once()
        harness.now += timedelta(seconds=20)

    harness.psa.deliver_late()
    await harness.work_until_done()

    (written,) = await harness.outbox_messages()
    assert isinstance(written, QuantityWritten)
    assert written.sent


@pytest.mark.parametrize("fault", ["killed-before", "killed-after"])
async def test_a_worker_killed_while_sending_leaves_the_mark_for_the_next_approval(
    harness: WriteHarness, fault: str
) -> None:
    harness.psa.write_faults = [fault]
    await harness.writes.receive([FIRST])
    await harness.work_until_done()

    assert await harness.writes.may_arrive_until(LINE) == LONG_ENOUGH


@pytest.mark.parametrize("fault", ["works", "throttled", "busy", "refused", "locked-out"])
async def test_a_request_with_an_answer_leaves_no_mark(harness: WriteHarness, fault: str) -> None:
    harness.psa.write_faults = [fault]
    await harness.writes.receive([FIRST])
    await harness.work_until_done()

    assert await harness.writes.may_arrive_until(LINE) is None


async def test_the_mark_is_the_lines_own(harness: WriteHarness) -> None:
    harness.psa.write_faults = ["late"]
    harness.psa.held_lines["902"] = harness.psa.held_lines["901"]
    await harness.writes.receive([FIRST])
    await harness.work_once()

    assert await harness.writes.may_arrive_until(LINE) == LONG_ENOUGH
    for other in (replace(LINE, line_id="902"), replace(LINE, integration_id="int_2")):
        assert await harness.writes.may_arrive_until(other) is None
