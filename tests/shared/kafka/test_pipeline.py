"""The consuming pipeline in memory: what reaches the handler, and what becomes a dead letter."""

import asyncio
from datetime import timedelta

import pytest
from faststream.kafka import TestKafkaBroker
from recording_handler import RecordingHandler, a_broker, a_command, body_of, sent

from shared.contracts.vendor_sync import SyncVendor
from shared.errors import TransientError
from shared.kafka import consume, envelope_of, make_broker
from shared.kafka.pipeline import ConsumePolicy
from shared.runtime.health import Health
from shared.runtime.settings import KafkaSettings


async def test_a_message_reaches_the_handler_as_its_model() -> None:
    handler = RecordingHandler()

    async with TestKafkaBroker(a_broker(handler)) as broker:
        await sent(broker, body_of(a_command()))

    assert handler.ids == ["s1"]
    assert handler.dead_letters == []


@pytest.mark.parametrize(
    "body", [b"\xff\xfe not json", b"", b"{}", b"null"], ids=["bytes", "empty", "bare", "null"]
)
async def test_what_cannot_be_read_becomes_a_dead_letter_with_its_origin(body: bytes) -> None:
    handler = RecordingHandler()

    async with TestKafkaBroker(a_broker(handler)) as broker:
        await sent(broker, body)
        await sent(broker, body_of(a_command("next")))

    [(body_of_letter, headers)] = handler.dead_letters
    assert body_of_letter == body
    assert headers["x-origin"] == f"{SyncVendor.topic}:0:0"
    assert headers["x-error"].startswith("ValidationError")
    assert handler.ids == ["next"]


async def test_a_message_of_an_unknown_type_becomes_a_dead_letter() -> None:
    handler = RecordingHandler()

    async with TestKafkaBroker(a_broker(handler)) as broker:
        await sent(broker, body_of(a_command()), ce_type="somebody.else.v9")

    assert [headers["x-error"].split(":")[0] for _, headers in handler.dead_letters] == ["UnexpectedResponse"]
    assert handler.ids == []


async def test_a_passing_fault_is_tried_again() -> None:
    handler = RecordingHandler(TransientError("busy"), TransientError("busy"))

    async with TestKafkaBroker(a_broker(handler)) as broker:
        await sent(broker, body_of(a_command()))

    assert handler.ids == ["s1"]
    assert handler.dead_letters == []


async def test_a_lasting_fault_of_ours_makes_no_dead_letter_but_is_read_again() -> None:
    handler = RecordingHandler(*[TransientError("the store is down")] * 3)

    async with TestKafkaBroker(a_broker(handler)) as broker:
        with pytest.raises(TransientError):
            await sent(broker, body_of(a_command()))

    assert handler.dead_letters == []


async def test_a_message_that_can_never_be_handled_becomes_a_dead_letter_alone() -> None:
    handler = RecordingHandler()

    async with TestKafkaBroker(a_broker(handler)) as broker:
        await sent(broker, body_of(a_command("poison")))
        await sent(broker, body_of(a_command("fine")))

    assert [headers["x-error"].split(":")[0] for _, headers in handler.dead_letters] == ["PermanentError"]
    assert handler.ids == ["fine"]


async def test_a_handler_that_never_ends_makes_the_process_count_as_stuck() -> None:
    handler, health, hold = RecordingHandler(), Health("vendor-sync"), asyncio.Event()
    handler.before = hold.wait

    async with TestKafkaBroker(a_broker(handler, health, ConsumePolicy(stuck_after=timedelta(0)))) as broker:
        sending = asyncio.ensure_future(sent(broker, body_of(a_command())))
        await asyncio.wait_for(handler.called.wait(), 60)
        stalled = health.stalled()
        hold.set()
        await sending

    assert stalled == [f"vendor-sync.{SyncVendor.topic}"]
    assert health.stalled() == []


def test_an_envelope_carries_what_cloudevents_ask_for() -> None:
    envelope = envelope_of(a_command(), source="billing", correlation_id="s1")

    assert envelope.key == "t:i"
    assert envelope.headers["ce_type"] == envelope.topic == SyncVendor.topic
    assert envelope.headers["ce_specversion"] == "1.0"
    assert envelope.headers["ce_id"] != envelope_of(a_command(), source="billing").headers["ce_id"]
    assert envelope.headers["correlation_id"] == "s1"


def test_a_handler_that_takes_more_than_the_messages_is_refused_as_the_service_starts() -> None:
    async def handle(messages: list[SyncVendor], *, reporter: str = "psa-sync") -> None:
        raise AssertionError(messages, reporter)

    broker = make_broker(KafkaSettings(servers="localhost:9092"), "vendor-sync")

    with pytest.raises(TypeError, match="nothing else"):
        consume(broker, SyncVendor, handle, service="vendor-sync")
