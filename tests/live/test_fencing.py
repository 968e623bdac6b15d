"""Publishing under a transactional id, on a real Kafka: only whoever opened the id last gets through."""

import asyncio
import gc
from collections.abc import AsyncIterator
from typing import ClassVar
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from shared.contracts.base import Event
from shared.errors import PermanentError, TransientError
from shared.kafka import FencedProducers, client_options
from shared.runtime.attempt import attempt
from shared.runtime.settings import KafkaSettings
from standalone.system import System

pytestmark = pytest.mark.live

TOPIC = f"test.fencing-{uuid4().hex[:8]}"


class SenderMessage(Event):
    """A message that names its sender."""

    topic: ClassVar[str] = TOPIC
    key_fields: ClassVar[tuple[str, ...]] = ("by",)

    by: str


@pytest.fixture(scope="module")
async def kafka(system: System) -> AsyncIterator[KafkaSettings]:
    """Kafka, with a topic of our own."""
    admin = AIOKafkaAdminClient(**client_options(system.servers.kafka))
    await admin.start()
    await admin.create_topics([NewTopic(TOPIC, 1, 1)])
    yield system.servers.kafka
    await admin.delete_topics([TOPIC])
    await admin.close()


@pytest.fixture
async def fenced(kafka: KafkaSettings) -> AsyncIterator[FencedProducers]:
    names = FencedProducers(kafka, "test")
    yield names
    await names.close()
    # aiokafka leaves the exception of a refused producer unretrieved; collected here, it disturbs no test.
    gc.collect()


def a_message(by: str) -> list[SenderMessage]:
    return [SenderMessage(tenant_id="demo", by=by)]


async def read_senders(kafka: KafkaSettings) -> list[str]:
    """Returns the senders of all messages in the topic, in order."""
    partition = TopicPartition(TOPIC, 0)
    consumer = AIOKafkaConsumer(**client_options(kafka))
    await consumer.start()
    try:
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        end, found = (await consumer.end_offsets([partition]))[partition], list[str]()
        while await consumer.position(partition) < end:
            for records in (await consumer.getmany(timeout_ms=100)).values():
                found += [SenderMessage.model_validate_json(record.value).by for record in records]
    finally:
        await consumer.stop()
    return found


async def test_whoever_had_a_name_publishes_no_more_once_it_is_opened_anew(
    kafka: KafkaSettings, fenced: FencedProducers
) -> None:
    async with fenced.open_publisher("run:1") as before:
        await before.publish(a_message("before"))
        async with fenced.open_publisher("run:1") as after, fenced.open_publisher("run:2") as another:
            with pytest.raises(TransientError):
                await before.publish(a_message("late"))
            await after.publish(a_message("after"))
            await another.publish(a_message("another"))

    assert await read_senders(kafka) == ["before", "after", "another"]


async def test_a_name_whose_batch_failed_is_opened_anew_before_it_is_used_again(
    kafka: KafkaSettings, fenced: FencedProducers
) -> None:
    async with fenced.open_publisher("run:3") as publisher:
        with pytest.raises(TransientError):
            await publisher.publish(a_message("too late"), deadline=0.0)
        with pytest.raises(TransientError, match="open it anew"):
            await publisher.publish(a_message("again"))
    async with fenced.open_publisher("run:3") as publisher:
        await publisher.publish(a_message("anew"))

    assert (await read_senders(kafka))[-1] == "anew"


async def test_what_several_publish_at_once_arrives_and_what_is_refused_spoils_nothing(
    kafka: KafkaSettings, fenced: FencedProducers
) -> None:
    async with fenced.open_publisher("run:5") as publisher:
        everybody = [f"caller {n}" for n in range(20)]
        results = await asyncio.gather(
            *(attempt(publisher.publish(a_message(by))) for by in [*everybody, "x" * 2_000_000])
        )
        await publisher.publish(a_message("the last"))

    assert [type(result) for result in results] == [type(None)] * 20 + [PermanentError]
    assert sorted((await read_senders(kafka))[-21:]) == sorted([*everybody, "the last"])


async def test_without_kafka_opening_a_name_says_so() -> None:
    nowhere = FencedProducers(KafkaSettings(servers="127.0.0.1:1"), "test")

    with pytest.raises(TransientError, match="cannot be reached"):
        async with nowhere.open_publisher("run:4"):
            pytest.fail("there is no Kafka")
