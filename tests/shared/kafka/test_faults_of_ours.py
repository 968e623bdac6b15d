"""What fails for a reason that is not the message's own: nothing is set aside, and the batch comes again."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from aiokafka import ConsumerRecord, TopicPartition
from clocks import MonotonicClock
from faststream.kafka import TestKafkaBroker
from interleaving import RefusingMongo
from pydantic import TypeAdapter
from pymongo.errors import OperationFailure
from recording_handler import RecordingHandler, a_broker, a_command, body_of, sent, sent_together
from structlog.testing import capture_logs

from shared.contracts.vendor_sync import SyncVendor
from shared.errors import Conflict, PermanentError, TransientError
from shared.kafka.batch_handler import BatchHandler, BatchResult
from shared.kafka.standstills import Standstills
from shared.mongo import Mongo

NO_PAUSES = (timedelta(0),)
NOT_AUTHORISED = OperationFailure("not authorized on billing to execute command { update }", 13)


class StoringHandler(RecordingHandler):
    """Stores each command in one bulk, as our handlers do."""

    def __init__(self, store: Mongo) -> None:
        super().__init__()
        self.rows = store.all_tenants("commands")

    async def handle(self, commands: list[SyncVendor]) -> None:
        await self.rows.insert_new([{"_id": command.sync_id} for command in commands])


async def test_store_error_13_during_a_batch_of_50_dead_letters_nothing_and_the_batch_comes_again(
    mongo: Mongo,
) -> None:
    store = RefusingMongo(mongo, NOT_AUTHORISED, refusals=3)  # as often as the handler is tried
    handler, bodies = StoringHandler(store), [body_of(a_command(f"{n:02}")) for n in range(50)]

    async with TestKafkaBroker(a_broker(handler)) as broker:
        with pytest.raises(TransientError):
            await sent_together(broker, bodies)
        assert await handler.rows.count() == 0
        await sent_together(broker, bodies)

    assert await handler.rows.count() == 50
    assert handler.dead_letters == []


async def test_a_bug_of_ours_dead_letters_nothing_and_the_batch_comes_again() -> None:
    handler = RecordingHandler(KeyError("account"), KeyError("account"))
    bodies = [body_of(a_command(id_)) for id_ in ("1", "2")]

    async with TestKafkaBroker(a_broker(handler)) as broker:
        with pytest.raises(KeyError):
            await sent_together(broker, bodies)
        await sent_together(broker, bodies)

    assert handler.dead_letters == []
    assert {*handler.ids} == {"1", "2"}


async def test_what_a_handler_fails_to_validate_of_its_own_is_no_fault_of_the_message() -> None:
    handler = RecordingHandler()

    async def reads_a_document_of_an_older_release() -> None:
        TypeAdapter(int).validate_python("no number")

    handler.before = reads_a_document_of_an_older_release
    async with TestKafkaBroker(a_broker(handler)) as broker:
        with pytest.raises(ValueError, match="validation error"):
            await sent(broker, body_of(a_command()))

    assert handler.dead_letters == []


async def test_a_message_that_met_another_consumer_at_the_same_row_is_tried_again() -> None:
    handler = RecordingHandler(Conflict("it is there already"))

    async with TestKafkaBroker(a_broker(handler)) as broker:
        await sent(broker, body_of(a_command()))

    assert (handler.ids, handler.dead_letters) == (["s1"], [])


async def test_a_conflict_that_stays_is_the_fault_of_its_message() -> None:
    handler = RecordingHandler(*[Conflict("another tenant has this id")] * 2)

    async with TestKafkaBroker(a_broker(handler)) as broker:
        await sent(broker, body_of(a_command()))

    assert [headers["x-error"].split(":")[0] for _, headers in handler.dead_letters] == ["Conflict"]


def a_record(partition: int, offset: int) -> ConsumerRecord:
    return ConsumerRecord("t", partition, offset, 0, 0, b"k", b"", None, 1, 0, ())


class FaultyHandler:
    """Records what it handled; raises for a batch that has a message of the given names."""

    def __init__(self, **faults: Exception) -> None:
        self.faults, self.handled = faults, list[str]()
        self.calls = 0

    async def handle(self, commands: list[SyncVendor]) -> None:
        self.calls += 1
        for command in commands:
            if error := self.faults.get(command.sync_id):
                raise error
        self.handled += [command.sync_id for command in commands]


async def handled(handler: Callable[[list[SyncVendor]], Awaitable[None]], *names: str) -> BatchResult:
    """Hands over messages that are named by partition and offset, as `a1`."""
    batch = [(a_record("abcd".index(name[0]), int(name[1:])), a_command(name)) for name in names]
    return await BatchHandler(handler, NO_PAUSES).handle(batch)


async def test_a_message_that_meets_a_bug_blocks_its_own_partition_from_there_on() -> None:
    handler = FaultyHandler(a2=KeyError("x"), b1=PermanentError("never"))

    result = await handled(handler.handle, "a1", "a2", "a3", "b1", "b2")

    assert handler.handled == ["a1", "b2"]
    assert {(p.partition, each.record.offset) for p, each in result.blocked.items()} == {(0, 2)}
    assert [each.record.offset for each in result.rejected] == [1]
    assert result.waits(a_record(0, 3))
    assert not result.waits(a_record(0, 1))
    assert not result.waits(a_record(1, 9))


async def test_one_message_of_500_that_meets_a_bug_is_found_with_few_calls() -> None:
    handler = FaultyHandler(a250=KeyError("x"))

    await handled(handler.handle, *(f"a{n}" for n in range(500)))

    assert handler.handled == [f"a{n}" for n in range(250)]
    assert handler.calls <= 30


async def test_where_every_message_meets_a_bug_each_partition_waits_in_front_of_its_first() -> None:
    async def broken(_: list[SyncVendor]) -> None:
        raise KeyError("x")

    result = await handled(broken, "a5", "a6", "b2", "b3", "c9")

    assert {p.partition: each.record.offset for p, each in result.blocked.items()} == {0: 5, 1: 2, 2: 9}


def test_a_standing_partition_is_told_with_its_message_and_the_way_to_skip_it() -> None:
    standstills = Standstills("psa-sync.t", "psa-sync")

    with capture_logs() as events:
        rests = [standstills.blocked(a_record(2, 41), KeyError("account"), first_seconds=5) for _ in range(6)]
    sentence = standstills.degradation()

    assert rests == [5, 10, 20, 40, 60, 60]
    assert {event["origin"] for event in events} == {"t:2:41"}
    assert sentence is not None
    assert "in front of offset 41 (KeyError: 'account')" in sentence
    assert "python -m psa_sync consumers skip t:2 --past --reason" in sentence

    standstills.passed({TopicPartition("t", 2)})
    assert standstills.degradation() is None


def test_a_store_that_stays_away_is_told_after_a_minute_and_until_a_batch_is_handled() -> None:
    clock = MonotonicClock()
    standstills = Standstills("billing.t", "billing", monotonic=clock)

    standstills.failed(TransientError("the document store cannot do this now"))
    clock.seconds += 59
    standstills.failed(TransientError("the document store cannot do this now"))
    assert standstills.degradation() is None
    clock.seconds += 1
    sentence = standstills.degradation()
    standstills.passed(set())

    assert sentence is not None
    assert sentence.startswith("group billing.t reads the same messages again since")
    assert standstills.degradation() is None
