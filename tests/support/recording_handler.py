"""A consumer in memory: its handler records what it is given, and its dead letters are read back."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from aiokafka import ConsumerRecord
from faststream.kafka import KafkaBroker, KafkaMessage

from shared.contracts.vendor_sync import SyncVendor
from shared.errors import PermanentError
from shared.kafka import consume, dead_letter_topic, make_broker
from shared.kafka.pipeline import ConsumePolicy
from shared.runtime.health import Health
from shared.runtime.settings import KafkaSettings

WITHOUT_PAUSES = ConsumePolicy(pauses=(timedelta(0), timedelta(0)))


async def a_moment() -> None:
    await asyncio.sleep(0)


class RecordingHandler:
    """A handler that records what it is given, and raises the prepared faults first."""

    def __init__(self, *faults: Exception) -> None:
        self.ids: list[str] = []
        self.dead_letters: list[tuple[bytes, dict[str, str]]] = []
        self.before: Callable[[], Awaitable[object]] = a_moment
        self.called, self.calls = asyncio.Event(), 0
        self._faults = list(faults)

    async def handle(self, commands: list[SyncVendor]) -> None:
        self.called.set()
        self.calls += 1
        await self.before()
        if self._faults:
            raise self._faults.pop(0)
        if any(command.sync_id.startswith("poison") for command in commands):
            raise PermanentError("this one cannot be handled")
        self.ids += [command.sync_id for command in commands]


def a_command(sync_id: str = "s1") -> SyncVendor:
    return SyncVendor(tenant_id="t", integration_id="i", sync_id=sync_id, kind="full", asked_by="ann")


def a_broker(
    handler: RecordingHandler,
    health: Health | None = None,
    policy: ConsumePolicy = WITHOUT_PAUSES,
    *,
    model: type[SyncVendor] = SyncVendor,
) -> KafkaBroker:
    broker = make_broker(KafkaSettings(servers="127.0.0.1:1"), "vendor-sync")
    consume(broker, model, handler.handle, service="vendor-sync", health=health, policy=policy)

    @broker.subscriber(dead_letter_topic("vendor-sync"), group_id="reader", decoder=undecoded)
    async def read(letter: KafkaMessage) -> None:
        handler.dead_letters.append((letter.body, dict(letter.headers)))

    return broker


async def undecoded(message: KafkaMessage) -> KafkaMessage:
    return message


async def sent(broker: KafkaBroker, body: bytes, **headers: str) -> None:
    await broker.publish(body, SyncVendor.topic, key=b"t:i", headers=headers)


async def sent_together(broker: KafkaBroker, bodies: list[bytes]) -> None:
    """Hands the consumer one batch, as Kafka does; the in-memory broker only brings records one by one."""
    every: list[Any] = broker.subscribers  # their type is not public
    [subscriber] = [each for each in every if SyncVendor.topic in each.topic_names]
    await subscriber.process_message(tuple(a_record(offset, body) for offset, body in enumerate(bodies)))


def a_record(offset: int, body: bytes) -> ConsumerRecord:
    return ConsumerRecord(SyncVendor.topic, 0, offset, 0, 0, b"t:i", body, None, 3, len(body), ())


def body_of(command: SyncVendor) -> bytes:
    return command.model_dump_json().encode()
