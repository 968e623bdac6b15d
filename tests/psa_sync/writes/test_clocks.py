"""What is due, valid and may still arrive is judged by the store's time, whatever a replica's clock says."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from clocks import off_by
from writes import LINE, NOW, WriteHarness, a_write

from psa_sync.writes.intent import LONGEST_REQUEST_LIFE, SEND_WITHIN
from shared.contracts.psa_sync import CancelWrite, QuantityRefused, QuantityWritten, WriteQuantity
from shared.contracts.quantity_write import WriteRefusal
from shared.mongo import Mongo
from shared.runtime.store_clock import StoreClock

TEN_MINUTES = timedelta(minutes=10)


class ReplicaHarness(WriteHarness):
    """Tells the real store's time: `off_by` makes it a replica whose clock is wrong."""

    def __post_init__(self) -> None:
        self.store_clock = StoreClock(self.mongo)
        super().__post_init__()

    async def clock(self) -> datetime:
        return await self.store_clock()


@pytest.fixture
async def replica(mongo: Mongo) -> ReplicaHarness:
    replica = ReplicaHarness(mongo)
    await replica.connect_integration()
    return replica


def valid_for(left: timedelta, approval_id: str = "apr_1", *, expected: str = "8") -> WriteQuantity:
    now = datetime.now(UTC)
    times = {"day": now.date(), "day_ends_at": now + timedelta(days=1), "valid_until": now + left}
    return a_write(approval_id=approval_id, expected=expected).model_copy(update=times)


@pytest.mark.parametrize("error", [TEN_MINUTES, -TEN_MINUTES], ids=["fast", "slow"])
async def test_a_command_is_sent_while_it_is_valid_by_the_stores_time(
    replica: ReplicaHarness, error: timedelta
) -> None:
    with off_by(error):
        await replica.writes.receive([valid_for(timedelta(minutes=5))])
        await replica.work_once()

    (written,) = await replica.outbox_messages()
    assert isinstance(written, QuantityWritten)
    assert abs(written.proven_at - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize("error", [TEN_MINUTES, -TEN_MINUTES], ids=["fast", "slow"])
async def test_a_command_is_not_sent_past_its_validity_by_the_stores_time(
    replica: ReplicaHarness, error: timedelta
) -> None:
    with off_by(error):
        await replica.writes.receive([valid_for(timedelta(minutes=-5))])
        await replica.work_once()

    (refused,) = await replica.outbox_messages()
    assert isinstance(refused, QuantityRefused)
    assert (refused.reason, refused.sent) == (WriteRefusal.EXPIRED, False)
    assert replica.psa.sent == []


async def test_no_second_request_goes_out_while_the_first_may_arrive_however_fast_the_clock(
    replica: ReplicaHarness,
) -> None:
    """The first replica is right, and its request is cut off; the second is ten minutes ahead."""
    replica.psa.write_faults = ["late"]
    await replica.writes.receive([valid_for(timedelta(minutes=5))])
    await replica.work_once()
    cancelled = CancelWrite(
        tenant_id="demo", integration_id="int_1", line_id="901", approval_id="apr_1", reason="changed"
    )

    with off_by(TEN_MINUTES):
        ahead = ReplicaHarness(replica.mongo, psa=replica.psa)
        await ahead.writes.cancel([cancelled])
        await ahead.work_once()
        await ahead.writes.receive([valid_for(timedelta(minutes=5), "apr_2")])
        await ahead.work_once()

    assert len(replica.psa.sent) == 1
    assert await replica.outbox_messages() == []


async def test_until_when_a_request_may_arrive_is_stored_by_the_stores_time(replica: ReplicaHarness) -> None:
    replica.psa.write_faults = ["late"]
    with off_by(-TEN_MINUTES):
        await replica.writes.receive([valid_for(timedelta(minutes=5))])
        await replica.work_once()

    until = await replica.writes.may_arrive_until(LINE)
    assert until
    assert abs(until - LONGEST_REQUEST_LIFE - datetime.now(UTC)) < timedelta(minutes=1)


async def test_what_one_replica_puts_off_is_due_for_the_other_when_it_is_by_the_store(
    replica: ReplicaHarness,
) -> None:
    with off_by(TEN_MINUTES):
        await replica.writes.receive([valid_for(timedelta(minutes=5))])

    with off_by(-TEN_MINUTES):
        assert await replica.writes.due_lines(50) == [LINE]


async def test_a_send_that_was_begun_too_long_ago_is_taken_back_and_begun_anew(mongo: Mongo) -> None:
    """The last look may wait in the rate limit: by then until when it may arrive would be told too early."""
    harness, slow = WriteHarness(mongo), ["reread 901"]

    def wait(_: object, name: str) -> None:
        if slow == [name]:
            slow.clear()
            harness.now += SEND_WITHIN + timedelta(seconds=1)

    harness.psa.before_call = wait
    await harness.write(a_write())

    assert harness.psa.calls.count("reread 901") == 2
    assert harness.psa.sent == [("901", Decimal(10))]


async def test_a_command_that_expires_during_the_last_look_is_not_sent(mongo: Mongo) -> None:
    harness = WriteHarness(mongo)
    command = a_write()

    def expire(_: object, name: str) -> None:
        if name == "reread 901":
            harness.now = command.valid_until + timedelta(seconds=1)

    harness.psa.before_call = expire
    (refused,) = await harness.write(command)

    assert isinstance(refused, QuantityRefused)
    assert (refused.reason, refused.sent, harness.psa.sent) == (WriteRefusal.EXPIRED, False, [])


async def test_a_command_that_would_expire_while_its_request_waits_to_go_out_is_not_sent(
    mongo: Mongo,
) -> None:
    harness = WriteHarness(mongo)
    command = a_write().model_copy(update={"valid_until": NOW + timedelta(seconds=3)})

    (refused,) = await harness.write(command)

    assert isinstance(refused, QuantityRefused)
    assert (refused.reason, refused.sent, harness.psa.sent) == (WriteRefusal.EXPIRED, False, [])
