import pytest
from aiokafka import ConsumerRecord
from aiokafka.errors import KafkaConnectionError

from shared.errors import TransientError
from shared.kafka.dead_letters import DeadLetters, RejectedRecord


class FakeProducer:
    """A producer that records what it is given, or does not answer."""

    def __init__(self, *, down: bool = False) -> None:
        self.published: list[bytes] = []
        self.down = down

    async def publish(self, message: bytes, *_: object, **__: object) -> None:
        if self.down:
            raise KafkaConnectionError
        self.published.append(message)


def rejected(count: int) -> list[RejectedRecord]:
    return [RejectedRecord(a_record(offset), ValueError("unreadable"), 1) for offset in range(count)]


def a_record(offset: int) -> ConsumerRecord:
    return ConsumerRecord(
        topic="t",
        partition=0,
        offset=offset,
        timestamp=0,
        timestamp_type=0,
        key=b"k",
        value=b"junk",
        checksum=None,
        serialized_key_size=1,
        serialized_value_size=4,
        headers=(),
    )


async def test_letters_that_kafka_did_not_take_are_not_counted_twice() -> None:
    producer = FakeProducer(down=True)
    dead_letters = DeadLetters(producer, "billing")
    for _ in range(5):
        with pytest.raises(TransientError, match="not acknowledged"):
            await dead_letters.publish(rejected(60), handled=0)

    producer.down = False
    await dead_letters.publish(rejected(60), handled=0)

    assert len(producer.published) == 60
    assert not dead_letters.circuit_open


async def test_bad_messages_among_good_ones_are_no_outage() -> None:
    producer = FakeProducer()
    dead_letters = DeadLetters(producer, "billing")

    await dead_letters.publish(rejected(200), handled=300)

    assert len(producer.published) == 200
    assert not dead_letters.circuit_open


async def test_a_batch_that_succeeds_closes_the_circuit() -> None:
    dead_letters = DeadLetters(FakeProducer(), "billing")
    with pytest.raises(TransientError, match="consuming stops"):
        await dead_letters.publish(rejected(100), handled=0)
    assert dead_letters.circuit_open

    await dead_letters.publish([], handled=100)

    assert not dead_letters.circuit_open
