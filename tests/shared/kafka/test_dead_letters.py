import pytest
from aiokafka import ConsumerRecord
from aiokafka.errors import KafkaConnectionError

from shared.errors import TransientError
from shared.kafka.dead_letters import DeadLetters, Rejected


class Wire:
    """A broker that keeps what it is given, or does not answer."""

    def __init__(self, *, down: bool = False) -> None:
        self.kept: list[bytes] = []
        self.down = down

    async def publish(self, message: bytes, *_: object, **__: object) -> None:
        if self.down:
            raise KafkaConnectionError
        self.kept.append(message)


def bad(count: int) -> Rejected:
    return [(a_record(offset), ValueError("unreadable"), 1) for offset in range(count)]


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
    wire = Wire(down=True)
    letters = DeadLetters(wire, "billing")
    for _ in range(5):
        with pytest.raises(TransientError, match="not acknowledged"):
            await letters.set_aside(bad(60), handled=0)

    wire.down = False
    await letters.set_aside(bad(60), handled=0)

    assert len(wire.kept) == 60
    assert not letters.storming


async def test_bad_messages_among_good_ones_are_no_outage() -> None:
    wire = Wire()
    letters = DeadLetters(wire, "billing")

    await letters.set_aside(bad(200), handled=300)

    assert len(wire.kept) == 200
    assert not letters.storming


async def test_a_batch_that_succeeds_ends_the_storm() -> None:
    letters = DeadLetters(Wire(), "billing")
    with pytest.raises(TransientError, match="consuming stops"):
        await letters.set_aside(bad(100), handled=0)
    assert letters.storming

    await letters.set_aside([], handled=100)

    assert not letters.storming
