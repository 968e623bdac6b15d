from datetime import timedelta
from decimal import Decimal

import pytest
from writes import EIGHT, NOW, TEN, WriteHarness, a_write, only_message

from shared.contracts.auth import IntegrationStatus
from shared.contracts.psa_sync import PsaCredentialsRejected, QuantityRefused, QuantityWritten, WriteQuantity
from shared.contracts.quantity_write import WriteRefusal
from shared.errors import CredentialsRejected as Refused
from shared.errors import TransientError
from shared.mongo import Mongo


@pytest.fixture
async def harness(mongo: Mongo) -> WriteHarness:
    return WriteHarness(mongo)


async def test_an_approved_quantity_is_written_once_and_proven(harness: WriteHarness) -> None:
    messages = await harness.write(a_write("10", expected="8"))

    written = only_message(messages, QuantityWritten)
    assert (written.before, written.after, written.sent) == (EIGHT, TEN, True)
    assert written.request_ids == ("request-1",)
    assert harness.psa.applied == [("901", TEN)]


async def test_the_line_is_read_before_and_after_it_is_written(harness: WriteHarness) -> None:
    await harness.write(a_write())

    assert harness.psa.calls == ["line 901", "reread 901", "write 901", "line 901"]
    assert harness.observed_quantities() == [8, 10]


async def test_a_line_that_holds_the_target_already_is_left_alone(harness: WriteHarness) -> None:
    harness.psa.set_line("901", "10")

    written = only_message(await harness.write(a_write("10", expected="8")), QuantityWritten)

    assert (written.before, written.after, written.sent) == (TEN, TEN, False)
    assert harness.psa.sent == []


async def test_zero_is_a_quantity_like_any_other(harness: WriteHarness) -> None:
    written = only_message(await harness.write(a_write("0")), QuantityWritten)

    assert (written.after, written.sent) == (Decimal(0), True)


REFUSED_WITHOUT_SENDING = [
    pytest.param("9", a_write("10", expected="8"), WriteRefusal.CONFLICT, id="changed since it was approved"),
    pytest.param(None, a_write("10", expected="8"), WriteRefusal.CONFLICT, id="the line has no quantity"),
    pytest.param("8", a_write("-1", expected="8"), WriteRefusal.REJECTED, id="below zero"),
    pytest.param("8", a_write("8.5", expected="8"), WriteRefusal.REJECTED, id="a fraction on whole numbers"),
]


@pytest.mark.parametrize(("quantity", "command", "reason"), REFUSED_WITHOUT_SENDING)
async def test_a_write_that_must_not_be_made_is_refused(
    harness: WriteHarness, quantity: str | None, command: WriteQuantity, reason: WriteRefusal
) -> None:
    harness.psa.set_line("901", quantity)

    refused = only_message(await harness.write(command), QuantityRefused)

    assert refused.reason is reason
    assert refused.current == (None if quantity is None else Decimal(quantity))
    assert harness.psa.sent == []


async def test_a_fraction_is_written_where_the_line_has_one(harness: WriteHarness) -> None:
    harness.psa.set_line("901", "7.5")

    written = only_message(await harness.write(a_write("8.25", expected="7.5")), QuantityWritten)

    assert written.after == Decimal("8.25")


async def test_past_its_time_a_write_has_expired(harness: WriteHarness) -> None:
    harness.now = NOW + timedelta(hours=2)

    refused = only_message(await harness.write(a_write()), QuantityRefused)

    assert (refused.reason, refused.current) == (WriteRefusal.EXPIRED, EIGHT)
    assert harness.psa.sent == []


async def test_a_line_that_is_gone_is_a_conflict(harness: WriteHarness) -> None:
    harness.psa.held_lines.clear()

    refused = only_message(await harness.write(a_write()), QuantityRefused)

    assert (refused.reason, refused.current) == (WriteRefusal.CONFLICT, None)


async def test_a_psa_that_stays_away_lets_the_approval_expire(harness: WriteHarness) -> None:
    harness.psa.read_faults = [TransientError("503")] * 200

    await harness.connect_integration()
    await harness.writes.receive([a_write()])
    await harness.work_until_done(rounds=200)

    refused = only_message(await harness.outbox_messages(), QuantityRefused)
    assert (refused.reason, refused.current) == (WriteRefusal.EXPIRED, None)
    assert harness.now > a_write().valid_until


async def test_refused_credentials_end_the_write_and_are_reported(harness: WriteHarness) -> None:
    harness.psa.read_faults = [Refused("401 not authenticated")]

    refused, rejected = await harness.write(a_write())

    assert isinstance(refused, QuantityRefused)
    assert refused.reason is WriteRefusal.REJECTED
    assert isinstance(rejected, PsaCredentialsRejected)
    assert rejected.generation == 1


@pytest.mark.parametrize(
    "status", [IntegrationStatus.DISCONNECTED, IntegrationStatus.DISABLED, IntegrationStatus.ERROR]
)
async def test_nothing_is_sent_without_a_working_integration(
    harness: WriteHarness, status: IntegrationStatus
) -> None:
    await harness.connect_integration()
    await harness.connect_integration(status, revision=2)
    await harness.writes.receive([a_write()])
    await harness.work_until_done()

    refused = only_message(await harness.outbox_messages(), QuantityRefused)
    assert status in refused.detail
    assert harness.psa.calls == []


async def test_a_write_waits_for_news_of_its_integration(harness: WriteHarness) -> None:
    await harness.writes.receive([a_write()])
    await harness.work_once()
    await harness.connect_integration()

    await harness.work_until_done()

    assert harness.psa.applied == [("901", TEN)]


async def test_a_repeated_command_is_answered_again_but_not_written(harness: WriteHarness) -> None:
    first = only_message(await harness.write(a_write()), QuantityWritten)
    harness.psa.set_line("901", "8")

    await harness.writes.receive([a_write(), a_write()])
    await harness.work_once()

    assert await harness.outbox_messages() == [first, first]
    assert len(harness.psa.sent) == 1


async def test_two_approvals_of_one_line_are_written_one_after_the_other(harness: WriteHarness) -> None:
    first, second = a_write("10", expected="8"), a_write("12", expected="10", approval_id="apr_2")

    messages = await harness.write(first, second)

    assert [message.topic for message in messages] == [QuantityWritten.topic] * 2
    assert harness.psa.applied == [("901", TEN), ("901", Decimal(12))]


async def test_the_second_of_two_approvals_of_the_same_number_is_refused(harness: WriteHarness) -> None:
    messages = await harness.write(a_write("10"), a_write("12", approval_id="apr_2"))

    assert [message.topic for message in messages] == [QuantityWritten.topic, QuantityRefused.topic]
    assert harness.psa.applied == [("901", TEN)]


async def test_a_write_of_unknown_outcome_holds_up_those_behind_it(harness: WriteHarness) -> None:
    harness.psa.write_faults = ["cut-after"]
    await harness.connect_integration()
    await harness.writes.receive([a_write("10"), a_write("12", expected="10", approval_id="apr_2")])

    await harness.work_once()

    assert [quantity for _, quantity in harness.psa.sent] == [10]
    assert await harness.writes.due_lines(10) == []


async def test_lines_are_due_once_each_however_many_writes_wait(harness: WriteHarness) -> None:
    await harness.writes.receive(
        [a_write(), a_write(approval_id="apr_2"), a_write(approval_id="3", line_id="902")]
    )

    due = await harness.writes.due_lines(10)

    assert [name.line_id for name in due] == ["901", "902"]
