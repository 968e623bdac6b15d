import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from raw_records import send_unreadable

from shared.kafka import client_options
from shared.kafka.tolerant_consumer import TolerantConsumer, UnreadableRecord
from shared.runtime.settings import KafkaSettings
from standalone.system import System

pytestmark = pytest.mark.live

GOOD, BAD = "good", "unreadable"


@pytest.fixture
def kafka(system: System) -> KafkaSettings:
    return system.servers.kafka


@pytest.fixture
async def topic(kafka: KafkaSettings) -> AsyncIterator[str]:
    name = f"tolerance-{uuid4().hex}"
    admin = AIOKafkaAdminClient(**client_options(kafka))
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, num_partitions=3, replication_factor=1)])
        yield name
        await admin.delete_topics([name])
    finally:
        await admin.close()


async def send(kafka: KafkaSettings, partition: TopicPartition, kinds: list[str]) -> None:
    """Sends each record in a batch of its own, so that a bad one takes none of its neighbours with it."""
    async with AIOKafkaProducer(**client_options(kafka)) as producer:
        for kind in kinds:
            if kind == BAD:
                await send_unreadable(kafka, partition)
            else:
                await producer.send_and_wait(partition.topic, b"v", partition=partition.partition)


async def test_a_partition_that_cannot_be_read_takes_no_record_of_another_with_it(
    kafka: KafkaSettings, topic: str
) -> None:
    sent = {
        TopicPartition(topic, 0): [GOOD] * 5,
        TopicPartition(topic, 1): [GOOD, BAD, BAD, GOOD],
        TopicPartition(topic, 2): [GOOD, GOOD, BAD],
    }
    for partition, kinds in sent.items():
        await send(kafka, partition, kinds)
    consumer = TolerantConsumer(
        **client_options(kafka), enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        consumer.assign(list(sent))
        received: defaultdict[TopicPartition, list[tuple[int, str]]] = defaultdict(list)
        async with asyncio.timeout(60):  # a record that was taken along would never come
            while sum(map(len, received.values())) < sum(map(len, sent.values())):
                for partition, records in (await consumer.getmany(timeout_ms=1_000)).items():
                    received[partition] += [
                        (record.offset, BAD if isinstance(record, UnreadableRecord) else GOOD)
                        for record in records
                    ]
    finally:
        await consumer.stop()

    assert received == {partition: list(enumerate(kinds)) for partition, kinds in sent.items()}
