from datetime import timedelta
from decimal import Decimal

import pytest
from writes import EIGHT, NOW, TEN, WriteHarness, a_write, the_only

from shared.contracts.auth import IntegrationStatus
from shared.contracts.psa_sync import (
    PsaCredentialsRejected,
    QuantityRefused,
    QuantityWritten,
    WriteQuantity,
    WriteRefusal,
)
from shared.errors import CredentialsRejected as Refused
from shared.errors import TransientError
from shared.mongo import Mongo


@pytest.fixture
async def bench(mongo: Mongo) -> WriteHarness:
    return WriteHarness(mongo)


async def test_an_approved_quantity_is_written_once_and_proven(bench: WriteHarness) -> None:
    said = await bench.write(a_write("10", expected="8"))

    written = the_only(said, QuantityWritten)
    assert (written.before, written.after, written.sent) == (EIGHT, TEN, True)
    assert written.request_ids == ("request-1",)
    assert bench.psa.applied == [("901", TEN)]


async def test_the_line_is_read_before_and_after_it_is_written(bench: WriteHarness) -> None:
    await bench.write(a_write())

    assert bench.psa.calls == ["line 901", "write 901", "line 901"]
    assert bench.observed() == [8, 10]


async def test_a_line_that_holds_the_target_already_is_left_alone(bench: WriteHarness) -> None:
    bench.psa.put("901", "10")

    written = the_only(await bench.write(a_write("10", expected="8")), QuantityWritten)

    assert (written.before, written.after, written.sent) == (TEN, TEN, False)
    assert bench.psa.sent == []


async def test_zero_is_a_quantity_like_any_other(bench: WriteHarness) -> None:
    written = the_only(await bench.write(a_write("0")), QuantityWritten)

    assert (written.after, written.sent) == (Decimal(0), True)


REFUSED_WITHOUT_SENDING = [
    pytest.param("9", a_write("10", expected="8"), WriteRefusal.CONFLICT, id="changed since it was approved"),
    pytest.param(None, a_write("10", expected="8"), WriteRefusal.CONFLICT, id="the line has no quantity"),
    pytest.param("8", a_write("-1", expected="8"), WriteRefusal.REJECTED, id="below zero"),
    pytest.param("8", a_write("8.5", expected="8"), WriteRefusal.REJECTED, id="a fraction on whole numbers"),
]


@pytest.mark.parametrize(("held", "command", "reason"), REFUSED_WITHOUT_SENDING)
async def test_a_write_that_must_not_be_made_is_refused(
    bench: WriteHarness, held: str | None, command: WriteQuantity, reason: WriteRefusal
) -> None:
    bench.psa.put("901", held)

    refused = the_only(await bench.write(command), QuantityRefused)

    assert refused.reason is reason
    assert refused.current == (None if held is None else Decimal(held))
    assert bench.psa.sent == []


async def test_a_fraction_is_written_where_the_line_has_one(bench: WriteHarness) -> None:
    bench.psa.put("901", "7.5")

    written = the_only(await bench.write(a_write("8.25", expected="7.5")), QuantityWritten)

    assert written.after == Decimal("8.25")


async def test_past_its_time_a_write_has_expired(bench: WriteHarness) -> None:
    bench.now = NOW + timedelta(hours=2)

    refused = the_only(await bench.write(a_write()), QuantityRefused)

    assert (refused.reason, refused.current) == (WriteRefusal.EXPIRED, EIGHT)
    assert bench.psa.sent == []


async def test_a_line_that_is_gone_is_a_conflict(bench: WriteHarness) -> None:
    bench.psa.holds.clear()

    refused = the_only(await bench.write(a_write()), QuantityRefused)

    assert (refused.reason, refused.current) == (WriteRefusal.CONFLICT, None)


async def test_a_psa_that_stays_away_lets_the_approval_expire(bench: WriteHarness) -> None:
    bench.psa.read_faults = [TransientError("503")] * 200

    await bench.connect()
    await bench.writes.ask([a_write()])
    await bench.settle(rounds=200)

    refused = the_only(await bench.said(), QuantityRefused)
    assert (refused.reason, refused.current) == (WriteRefusal.EXPIRED, None)
    assert bench.now > a_write().valid_until


async def test_refused_credentials_end_the_write_and_are_told(bench: WriteHarness) -> None:
    bench.psa.read_faults = [Refused("401 not authenticated")]

    refused, told = await bench.write(a_write())

    assert isinstance(refused, QuantityRefused)
    assert refused.reason is WriteRefusal.REJECTED
    assert isinstance(told, PsaCredentialsRejected)
    assert told.generation == 1


@pytest.mark.parametrize(
    "status", [IntegrationStatus.DISCONNECTED, IntegrationStatus.DISABLED, IntegrationStatus.ERROR]
)
async def test_nothing_is_sent_without_a_working_integration(
    bench: WriteHarness, status: IntegrationStatus
) -> None:
    await bench.connect()
    await bench.connect(status, revision=2)
    await bench.writes.ask([a_write()])
    await bench.settle()

    refused = the_only(await bench.said(), QuantityRefused)
    assert status in refused.detail
    assert bench.psa.calls == []


async def test_a_write_waits_for_news_of_its_integration(bench: WriteHarness) -> None:
    await bench.writes.ask([a_write()])
    await bench.once()
    await bench.connect()

    await bench.settle()

    assert bench.psa.applied == [("901", TEN)]


async def test_a_repeated_command_is_answered_again_but_not_written(bench: WriteHarness) -> None:
    first = the_only(await bench.write(a_write()), QuantityWritten)
    bench.psa.put("901", "8")

    await bench.writes.ask([a_write(), a_write()])
    await bench.once()

    assert await bench.said() == [first, first]
    assert len(bench.psa.sent) == 1


async def test_two_approvals_of_one_line_are_written_one_after_the_other(bench: WriteHarness) -> None:
    first, second = a_write("10", expected="8"), a_write("12", expected="10", approval_id="apr_2")

    said = await bench.write(first, second)

    assert [message.topic for message in said] == [QuantityWritten.topic] * 2
    assert bench.psa.applied == [("901", TEN), ("901", Decimal(12))]


async def test_the_second_of_two_approvals_of_the_same_number_is_refused(bench: WriteHarness) -> None:
    said = await bench.write(a_write("10"), a_write("12", approval_id="apr_2"))

    assert [message.topic for message in said] == [QuantityWritten.topic, QuantityRefused.topic]
    assert bench.psa.applied == [("901", TEN)]


async def test_a_write_of_unknown_outcome_holds_up_those_behind_it(bench: WriteHarness) -> None:
    bench.psa.write_faults = ["cut-after"]
    await bench.connect()
    await bench.writes.ask([a_write("10"), a_write("12", expected="10", approval_id="apr_2")])

    await bench.once()

    assert [quantity for _, quantity in bench.psa.sent] == [10]
    assert await bench.writes.due(10) == []


async def test_lines_are_due_once_each_however_many_writes_wait(bench: WriteHarness) -> None:
    await bench.writes.ask([a_write(), a_write(approval_id="apr_2"), a_write(approval_id="3", line_id="902")])

    due = await bench.writes.due(10)

    assert [name.line_id for name in due] == ["901", "902"]
