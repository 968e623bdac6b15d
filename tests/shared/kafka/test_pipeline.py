"""The consuming pipeline in memory: what reaches the handler, and what is set aside."""

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

QUICK = ConsumePolicy(pauses=(0.0, 0.0))


async def a_moment() -> None:
    await asyncio.sleep(0)


class Seen:
    """A handler that remembers what it got, and fails as it is told."""

    def __init__(self, *faults: Exception) -> None:
        self.ids: list[str] = []
        self.letters: list[tuple[bytes, dict[str, str]]] = []
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


def a_broker(seen: Seen, health: Health | None = None, patience: ConsumePolicy = QUICK) -> KafkaBroker:
    broker = make_broker(KafkaSettings(servers="127.0.0.1:1"), "vendor-sync")
    consume(broker, SyncVendor, seen.handle, service="vendor-sync", health=health, patience=patience)

    @broker.subscriber(dead_letter_topic("vendor-sync"), group_id="reader", decoder=whole)
    async def read(letter: KafkaMessage) -> None:
        seen.letters.append((letter.body, dict(letter.headers)))

    return broker


async def whole(message: KafkaMessage) -> KafkaMessage:
    return message


async def sent(broker: KafkaBroker, body: bytes, **headers: str) -> None:
    await broker.publish(body, SyncVendor.topic, key=b"t:i", headers=headers)


def body_of(command: SyncVendor) -> bytes:
    return command.model_dump_json().encode()


async def test_a_message_reaches_the_handler_as_its_model() -> None:
    seen = Seen()

    async with TestKafkaBroker(a_broker(seen)) as broker:
        await sent(broker, body_of(a_command()))

    assert seen.ids == ["s1"]
    assert seen.letters == []


@pytest.mark.parametrize(
    "body", [b"\xff\xfe not json", b"", b"{}", b"null"], ids=["bytes", "empty", "bare", "null"]
)
async def test_what_cannot_be_read_is_set_aside_with_its_origin(body: bytes) -> None:
    seen = Seen()

    async with TestKafkaBroker(a_broker(seen)) as broker:
        await sent(broker, body)
        await sent(broker, body_of(a_command("next")))

    [(kept, headers)] = seen.letters
    assert kept == body
    assert headers["x-origin"] == f"{SyncVendor.topic}:0:0"
    assert headers["x-error"].startswith("ValidationError")
    assert seen.ids == ["next"]


async def test_a_message_of_an_unknown_type_is_set_aside() -> None:
    seen = Seen()

    async with TestKafkaBroker(a_broker(seen)) as broker:
        await sent(broker, body_of(a_command()), ce_type="somebody.else.v9")

    assert [headers["x-error"].split(":")[0] for _, headers in seen.letters] == ["UnexpectedResponse"]
    assert seen.ids == []


async def test_a_passing_fault_is_tried_again() -> None:
    seen = Seen(TransientError("busy"), TransientError("busy"))

    async with TestKafkaBroker(a_broker(seen)) as broker:
        await sent(broker, body_of(a_command()))

    assert seen.ids == ["s1"]
    assert seen.letters == []


async def test_a_lasting_fault_of_ours_is_not_set_aside_but_read_again() -> None:
    seen = Seen(*[TransientError("the store is down")] * 3)

    async with TestKafkaBroker(a_broker(seen)) as broker:
        with pytest.raises(TransientError):
            await sent(broker, body_of(a_command()))

    assert seen.letters == []


async def test_a_message_that_can_never_be_handled_is_set_aside_alone() -> None:
    seen = Seen()

    async with TestKafkaBroker(a_broker(seen)) as broker:
        await sent(broker, body_of(a_command("poison")))
        await sent(broker, body_of(a_command("fine")))

    assert [headers["x-error"].split(":")[0] for _, headers in seen.letters] == ["PermanentError"]
    assert seen.ids == ["fine"]


async def test_so_many_dead_letters_in_a_row_stop_the_consuming() -> None:
    seen, health = Seen(), Health("vendor-sync")

    async with TestKafkaBroker(a_broker(seen, health)) as broker:
        for _ in range(99):
            await sent(broker, b"junk")
        assert await health.unready() == []
        with pytest.raises(TransientError, match="consuming stops"):
            await sent(broker, b"junk")

    assert await health.unready() == [f"vendor-sync.{SyncVendor.topic}"]
    assert len(seen.letters) == 99


async def test_a_good_message_between_bad_ones_shows_that_the_fault_is_theirs() -> None:
    seen, health = Seen(), Health("vendor-sync")

    async with TestKafkaBroker(a_broker(seen, health)) as broker:
        for _ in range(99):
            await sent(broker, b"junk")
        await sent(broker, body_of(a_command()))
        await sent(broker, b"junk")

    assert len(seen.letters) == 100
    assert await health.unready() == []


async def test_a_handler_that_never_ends_makes_the_process_count_as_stuck() -> None:
    seen, health, hold = Seen(), Health("vendor-sync"), asyncio.Event()
    seen.before = hold.wait

    async with TestKafkaBroker(a_broker(seen, health, ConsumePolicy(longest=timedelta(0)))) as broker:
        sending = asyncio.ensure_future(sent(broker, body_of(a_command())))
        await asyncio.wait_for(seen.called.wait(), 60)
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
