"""The servers themselves: what they were given outlives them, whoever ends them and however."""

import asyncio
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from pydantic import SecretStr

from shared.contracts import MESSAGES
from shared.kafka import client_options
from shared.mongo import Mongo
from shared.runtime.settings import KafkaSettings, MongoSettings
from standalone.child_process import ChildProcess
from standalone.services import TOPICS, Servers
from standalone.system import SERVERS, System

pytestmark = pytest.mark.live

TOPIC = MESSAGES[0].topic


def servers_in(place: Path) -> System:
    return System(data_dir=place, only=(*SERVERS, TOPICS))


async def test_what_servers_were_given_outlives_them_however_they_end(tmp_path: Path) -> None:
    async with servers_in(tmp_path) as first:
        await store(first.servers)

    async with servers_in(tmp_path) as second:
        stopped = await read_back(second.servers)
        async with asyncio.TaskGroup() as group:
            for name in SERVERS:
                group.create_task(kill_and_restart(second.processes[name]))
        killed = await read_back(second.servers)

    assert second.context == first.context
    assert stopped == killed == ([b"news"], 1)


async def kill_and_restart(process: ChildProcess) -> None:
    before = process.pid
    await process.kill()
    await process.start()
    assert process.running
    assert process.pid != before


async def store(servers: Servers) -> None:
    """One message and one document, both acknowledged."""
    producer = AIOKafkaProducer(**client_options(servers.kafka), acks="all")
    await producer.start()
    try:
        await producer.send_and_wait(TOPIC, b"news", partition=0)
    finally:
        await producer.stop()
    mongo = a_mongo(servers)
    await mongo.documents("things", "demo").insert({"_id": "1"})
    await mongo.close()


async def read_back(servers: Servers) -> tuple[list[bytes], int]:
    mongo = a_mongo(servers)
    documents = await mongo.documents("things", "demo").count()
    await mongo.close()
    return await messages(servers.kafka), documents


async def messages(kafka: KafkaSettings) -> list[bytes]:
    consumer = AIOKafkaConsumer(**client_options(kafka), auto_offset_reset="earliest")
    await consumer.start()
    try:
        place = TopicPartition(TOPIC, 0)
        consumer.assign([place])
        await consumer.seek_to_beginning(place)
        batch = await consumer.getmany(place, timeout_ms=5000)
    finally:
        await consumer.stop()
    return [record.value or b"" for record in batch.get(place, [])]


def a_mongo(servers: Servers) -> Mongo:
    return Mongo(MongoSettings(url=SecretStr(servers.mongo_url), database="test"))
