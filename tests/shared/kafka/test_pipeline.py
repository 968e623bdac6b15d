"""The consuming pipeline in memory: what reaches the handler, and what becomes a dead letter."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from faststream.kafka import KafkaBroker, KafkaMessage, TestKafkaBroker

from shared.contracts.vendor_sync import SyncVendor
from shared.errors import PermanentError, TransientError
from shared.kafka import consume, dead_letter_topic, envelope_of, make_broker
from shared.kafka.pipeline import ConsumePolicy
from shared.runtime.health import Health
from shared.runtime.settings import KafkaSettings

Handler = Callable[[list[SyncVendor]], Awaitable[None]]

WITHOUT_PAUSES = ConsumePolicy(pauses=(timedelta(0), timedelta(0)))


async def a_moment() -> None:
    await asyncio.sleep(0)


class RecordingHandler:
    """A handler that records what it is given, and raises the prepared faults first."""

    def __init__(self, *faults: Exception) -> None:
        self.ids: list[str] = []
        self.dead_letters: list[tuple[bytes, dict[str, str]]] = []
        self.before: Callable[[], Awaitable[object]] = a_moment
        self.called = asyncio.Event()
        self._faults = list(faults)

    async def handle(self, commands: list[SyncVendor]) -> None:
        self.called.set()
        await self.before()
        if self._faults:
            raise self._faults.pop(0)
        if any(command.sync_id == "poison" for command in commands):
            raise PermanentError("this one cannot be handled")
        self.ids += [command.sync_id for command in commands]


def a_command(sync_id: str = "s1") -> SyncVendor:
    return SyncVendor(tenant_id="t", integration_id="i", sync_id=sync_id, kind="full", asked_by="ann")


def a_broker(
    handler: RecordingHandler, health: Health | None = None, policy: ConsumePolicy = WITHOUT_PAUSES
) -> KafkaBroker:
    broker = make_broker(KafkaSettings(servers="127.0.0.1:1"), "vendor-sync")
    consume(broker, SyncVendor, handler.handle, service="vendor-sync", health=health, policy=policy)

    @broker.subscriber(dead_letter_topic("vendor-sync"), group_id="reader", decoder=undecoded)
    async def read(letter: KafkaMessage) -> None:
        handler.dead_letters.append((letter.body, dict(letter.headers)))

    return broker


async def undecoded(message: KafkaMessage) -> KafkaMessage:
    return message


async def sent(broker: KafkaBroker, body: bytes, **headers: str) -> None:
    await broker.publish(body, SyncVendor.topic, key=b"t:i", headers=headers)


def body_of(command: SyncVendor) -> bytes:
    return command.model_dump_json().encode()


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


async def test_so_many_dead_letters_in_a_row_stop_the_consuming() -> None:
    handler, health = RecordingHandler(), Health("vendor-sync")

    async with TestKafkaBroker(a_broker(handler, health)) as broker:
        for _ in range(99):
            await sent(broker, b"junk")
        assert await health.unready() == []
        with pytest.raises(TransientError, match="consuming stops"):
            await sent(broker, b"junk")

    assert await health.unready() == [f"vendor-sync.{SyncVendor.topic}"]
    assert len(handler.dead_letters) == 99


async def test_a_good_message_between_bad_ones_shows_that_the_fault_is_theirs() -> None:
    handler, health = RecordingHandler(), Health("vendor-sync")

    async with TestKafkaBroker(a_broker(handler, health)) as broker:
        for _ in range(99):
            await sent(broker, b"junk")
        await sent(broker, body_of(a_command()))
        await sent(broker, b"junk")

    assert len(handler.dead_letters) == 100
    assert await health.unready() == []


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
