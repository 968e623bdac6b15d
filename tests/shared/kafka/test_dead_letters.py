"""Dead letters on their own: bounded whatever is in them, counted once, and an alarm when they are many."""

import pytest
from aiokafka import ConsumerRecord
from aiokafka.errors import KafkaConnectionError, MessageSizeTooLargeError
from pydantic import TypeAdapter, ValidationError
from structlog.testing import capture_logs

from shared.errors import PermanentError, TransientError
from shared.kafka.dead_letters import DeadLetters, RejectedRecord, rejection_of
from shared.kafka.tolerant_consumer import UnreadableRecord
from shared.limits import hits
from shared.limits.kafka import (
    DEAD_LETTER_BYTES,
    DEAD_LETTER_HEADER_BYTES,
    DEAD_LETTER_HEADERS,
    DEAD_LETTER_KEY_BYTES,
)

Headers = tuple[tuple[str, bytes | None], ...]


class FakeProducer:
    """Records what it is given, takes no more than Kafka's client does, or nothing."""

    def __init__(self, *, down: bool = False) -> None:
        self.published: list[tuple[bytes, bytes | None, dict[str, str]]] = []
        self.takes = 0 if down else 10_000

    async def publish(
        self, message: bytes, _topic: str, /, *, key: bytes | None, headers: dict[str, str], **_: object
    ) -> None:
        if len(self.published) >= self.takes:
            raise KafkaConnectionError
        pairs = [
            (name.encode(), value.encode()) for name, value in headers.items()
        ]  # as the client sends them
        if len(message) + len(key or b"") + sum(len(name + value) for name, value in pairs) > 1_048_576:
            raise MessageSizeTooLargeError
        self.published.append((message, key, headers))


def letters_of(producer: FakeProducer) -> DeadLetters:
    return DeadLetters(producer, "billing", "billing.t")


def rejected(count: int) -> list[RejectedRecord]:
    return [RejectedRecord(a_record(offset), "ValueError: unreadable") for offset in range(count)]


def a_record(
    offset: int = 0, *, value: bytes | None = b"junk", key: bytes | None = b"k", headers: Headers = ()
) -> ConsumerRecord:
    return ConsumerRecord(
        topic="t",
        partition=0,
        offset=offset,
        timestamp=0,
        timestamp_type=0,
        key=key,
        value=value,
        checksum=None,
        serialized_key_size=1,
        serialized_value_size=4,
        headers=headers,
    )


async def test_letters_that_kafka_did_not_take_are_not_counted_twice() -> None:
    producer = FakeProducer(down=True)
    dead_letters = letters_of(producer)
    for _ in range(5):
        with pytest.raises(TransientError, match="not acknowledged"):
            await dead_letters.publish(rejected(60))

    producer.takes = 10_000
    await dead_letters.publish(rejected(60))

    assert len(producer.published) == 60
    assert dead_letters.alarm.degradation() is None


async def test_letters_that_were_acknowledged_are_not_published_again_with_the_others_of_their_batch() -> (
    None
):
    producer = FakeProducer()
    dead_letters = letters_of(producer)
    batch = rejected(250)
    producer.takes = 120
    with pytest.raises(TransientError, match="not acknowledged"):
        await dead_letters.publish(batch)

    producer.takes = 1_000
    await dead_letters.publish(batch)
    again = len(producer.published)
    await dead_letters.publish(batch[:1])  # an operator had it read once more, for a replay

    assert again == 250
    assert len(producer.published) == 251


async def test_letters_that_were_taken_are_not_repeated_when_those_of_skipped_messages_were_not() -> None:
    producer = FakeProducer()
    producer.takes = 60
    batch = rejected(60)
    batch.append(RejectedRecord(a_record(60), "skipped by an operator: replayed", on_purpose=True))
    dead_letters = letters_of(producer)
    for _ in range(3):
        with pytest.raises(TransientError, match="not acknowledged"):
            await dead_letters.publish(batch)

    producer.takes = 10_000
    await dead_letters.publish(batch)

    assert len(producer.published) == 61
    assert dead_letters.alarm.degradation() is None


def test_bytes_that_the_client_library_cannot_read_are_no_bug_of_ours() -> None:
    error = UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")
    record = UnreadableRecord(**vars(a_record()), error=error)

    assert rejection_of(record, error).bug is None
    assert rejection_of(a_record(), error).bug is error


async def test_letters_in_numbers_are_all_published_and_one_alarm() -> None:
    producer = FakeProducer()
    dead_letters = letters_of(producer)

    with capture_logs() as lines:
        for _ in range(4):
            await dead_letters.publish(rejected(500))

    assert len(producer.published) == 2000
    assert [line["event"] for line in lines].count("dead_letters_alarm") == 1
    sentence = dead_letters.alarm.degradation() or ""
    for what in ("billing.t", "2,000", "billing.dead-letter.v1", "deploy/README.md"):
        assert what in sentence


async def test_the_log_of_a_storm_is_no_flood() -> None:
    with capture_logs() as lines:
        await letters_of(FakeProducer()).publish(rejected(500))

    assert [line["event"] for line in lines].count("message_dead_lettered") == 5
    [more] = [line for line in lines if line["event"] == "more_messages_dead_lettered"]
    assert (more["count"], more["first"], more["last"]) == (495, "t:0:5", "t:0:499")


async def test_letters_that_an_operator_asked_for_are_no_alarm() -> None:
    producer = FakeProducer()
    dead_letters = letters_of(producer)

    await dead_letters.publish([letter._replace(on_purpose=True) for letter in rejected(500)])

    assert len(producer.published) == 500
    assert dead_letters.alarm.degradation() is None


@pytest.mark.parametrize(
    "record",
    [
        a_record(value=b"x" * 1_048_570),
        a_record(value=b"x" * 1_048_577, key=b"k" * 1_000_000),
    ],
    ids=["body", "body and key"],
)
async def test_what_is_too_large_to_be_repeated_is_still_set_aside(record: ConsumerRecord) -> None:
    producer, before = FakeProducer(), hits().get(DEAD_LETTER_BYTES.name, 0)

    await letters_of(producer).publish([RejectedRecord(record, "too bad")])

    [(body, key, headers)] = producer.published
    assert (body, key) == (b"", None)
    assert headers == {"x-origin": "t:0:0", "x-error": "too bad", "x-attempts": "1"}
    assert hits()[DEAD_LETTER_BYTES.name] == before + 1


async def test_a_key_that_takes_long_to_hash_is_not_repeated() -> None:
    producer = FakeProducer()
    keys = [None, b"", b"\xff" * 1_024, b"\xff" * 1_025, b"k" * 1_000_000]

    await letters_of(producer).publish([RejectedRecord(a_record(key=key), "bad") for key in keys])

    assert [key for _, key, _ in producer.published] == [None, b"", b"\xff" * 1_024, None, None]
    assert {body for body, _, _ in producer.published} == {b"junk"}
    assert hits().keys() >= {DEAD_LETTER_KEY_BYTES.name}


async def test_a_letter_repeats_a_bounded_part_of_the_headers() -> None:
    producer = FakeProducer()
    many = tuple((f"h{number}", b"v") for number in range(5_000))
    large = (("large", b"x" * 3_000_000), ("ce_id", b"7"), ("none", None), ("bytes", b"\xff\xfe"))

    await letters_of(producer).publish([RejectedRecord(a_record(headers=h), "bad") for h in (many, large)])

    first, second = (headers for _, _, headers in producer.published)
    assert len(first) == 64 + 3
    assert second.keys() == {"ce_id", "bytes", "x-origin", "x-error", "x-attempts"}
    assert hits().keys() >= {DEAD_LETTER_HEADERS.name, DEAD_LETTER_HEADER_BYTES.name}


async def test_a_message_cannot_name_another_origin_for_its_letter() -> None:
    producer = FakeProducer()
    forged = a_record(9, headers=(("x-origin", b"elsewhere:0:1"), ("x-error", b"none")))

    await letters_of(producer).publish([RejectedRecord(forged, "bad")])

    [(_, _, headers)] = producer.published
    assert (headers["x-origin"], headers["x-error"]) == ("t:0:9", "bad")


async def test_a_reason_that_no_utf8_can_carry_is_sent_nevertheless() -> None:
    producer = FakeProducer()

    await letters_of(producer).publish([rejection_of(a_record(), ValueError("half a pair \ud800"))])

    [(_, _, headers)] = producer.published
    assert headers["x-error"] == "ValueError: half a pair ?"


def test_a_hundred_thousand_faults_of_one_message_are_a_number() -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(list[int]).validate_json("[" + "null," * 99_999 + "null]")

    assert rejection_of(a_record(), caught.value).reason == "ValidationError: 100,000 errors in list[int]"


def test_only_what_nobody_expected_is_logged_with_its_traceback() -> None:
    assert rejection_of(a_record(), PermanentError("no such line")).bug is None
    bug = KeyError("x")
    assert rejection_of(a_record(), bug).bug is bug
