"""A consumer whose database went back in time, and one that meets a bug of ours: on a real topic."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from faststream.kafka import KafkaBroker

from shared.contracts.vendor_sync import SyncVendor
from shared.kafka import ControlJob, client_options, consume, make_broker
from shared.kafka.control_repository import ControlRepository
from shared.kafka.group_offsets import GroupOffsets
from shared.kafka.partition_controls import Skip
from shared.kafka.pipeline import ConsumePolicy
from shared.mongo import Document, Mongo, Put
from shared.runtime.health import Health
from shared.runtime.settings import KafkaSettings
from standalone.system import System

pytestmark = pytest.mark.live

SERVICE = "vendor-sync"
QUICK = ConsumePolicy(pauses=(timedelta(seconds=0.2),))


@dataclass
class ServiceWithDatabase:
    """A consumer of one topic that stores what it sees, and counts in memory what it is told."""

    mongo: Mongo
    kafka: KafkaSettings
    model: type[SyncVendor]
    told: list[str] = field(default_factory=list)
    bug: str | None = None
    """The message in front of which the handler has a bug."""
    health: Health = field(default_factory=lambda: Health(SERVICE))
    control: ControlJob = field(init=False)
    broker: KafkaBroker = field(init=False)

    async def handle(self, commands: list[SyncVendor]) -> None:
        if self.bug in {command.sync_id for command in commands}:
            raise KeyError(self.bug)
        self.told += [command.sync_id for command in commands]
        await self.mongo.all_tenants("seen").bulk([Put({"_id": command.sync_id}) for command in commands])

    async def start(self) -> None:
        self.told, self.health = [], Health(SERVICE)
        self.broker = make_broker(self.kafka, SERVICE)
        consume(self.broker, self.model, self.handle, service=SERVICE, health=self.health, policy=QUICK)
        self.control = ControlJob(self.mongo, self.broker, self.health)
        await self.control.load()
        await self.broker.start()

    async def stop(self) -> None:
        await self.broker.stop()

    async def send(self, *names: str, partition: int = 0) -> None:
        async with AIOKafkaProducer(**client_options(self.kafka)) as producer:
            for name in names:
                command = self.model(
                    tenant_id="t", integration_id="i", sync_id=name, kind="full", asked_by="ann"
                )
                body = command.model_dump_json().encode()
                await producer.send_and_wait(self.model.topic, body, partition=partition)

    async def committed(self, partition: int = 0) -> int | None:
        offsets = await GroupOffsets(self.kafka, SERVICE).committed([self.model.topic])
        return offsets[TopicPartition(self.model.topic, partition)]

    async def until_committed(self, offset: int, partition: int = 0) -> None:
        async def is_committed() -> bool:
            return await self.committed(partition) == offset

        await until(is_committed)

    async def until_seen(self, *names: str) -> None:
        async def are_seen() -> bool:
            await self.control.step()
            return {row["_id"] for row in await self.mongo.all_tenants("seen").find()} == {*names}

        await until(are_seen)

    async def backup(self) -> dict[str, list[Document]]:
        return {name: await self.mongo.all_tenants(name).find() for name in ("seen", "consumer_positions")}

    async def restore(self, copy: dict[str, list[Document]]) -> None:
        for name, rows in copy.items():
            await self.mongo.all_tenants(name).remove({})
            await self.mongo.all_tenants(name).bulk([Put(row) for row in rows])


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(120):
        while not await holds():
            await asyncio.sleep(0.2)


@pytest.fixture
async def service(system: System, mongo: Mongo) -> AsyncIterator[ServiceWithDatabase]:
    kafka, name = system.servers.kafka, f"restored-{uuid4().hex}"
    admin = AIOKafkaAdminClient(**client_options(kafka))
    await admin.start()
    service = ServiceWithDatabase(mongo, kafka, type("Restored", (SyncVendor,), {"topic": name}))
    try:
        await admin.create_topics([NewTopic(name, num_partitions=2, replication_factor=1)])
        await service.start()
        yield service
        await service.stop()
        await admin.delete_topics([name])
    finally:
        await admin.close()


async def test_a_database_that_was_restored_is_told_again_what_it_has_not_seen(
    service: ServiceWithDatabase,
) -> None:
    await service.send("1", "2")
    await service.until_committed(2)
    copy = await service.backup()
    await service.send("3", "4", "5")
    await service.until_committed(5)
    await service.stop()

    await service.restore(copy)
    await service.start()
    await service.until_seen("1", "2", "3", "4", "5")

    assert service.told == ["3", "4", "5"]
    sentence = service.health.degraded()["restored database"]
    assert f"{service.model.topic}:0 is read again from 2, was 5" in sentence
    await service.until_committed(5)
    assert "3" in {row["_id"] for row in (await service.backup())["seen"]}


async def test_a_database_that_is_restored_under_a_running_service_is_told_again_too(
    service: ServiceWithDatabase,
) -> None:
    await service.send("1")
    await service.until_committed(1)
    copy = await service.backup()
    await service.send("2", "3")
    await service.until_committed(3)

    await service.restore(copy)

    await service.until_seen("1", "2", "3")
    assert service.told == ["1", "2", "3", "2", "3"]


async def test_a_database_that_was_lost_is_told_everything_that_the_topic_has(
    service: ServiceWithDatabase,
) -> None:
    await service.send("1", "2")
    await service.send("3", partition=1)
    await service.until_committed(2)
    await service.until_committed(1, partition=1)
    await service.stop()

    await service.restore({"seen": [], "consumer_positions": []})
    await service.start()

    await service.until_seen("1", "2", "3")


async def test_what_an_older_release_consumed_is_not_read_again(service: ServiceWithDatabase) -> None:
    await service.send("1", "2")
    await service.until_committed(2)
    await service.stop()
    await service.mongo.all_tenants("consumer_positions").remove({})

    await service.start()
    await service.send("3")
    await service.until_seen("1", "2", "3")

    assert service.told == ["3"]
    assert "restored database" not in service.health.degraded()


async def test_a_service_that_goes_on_where_it_was_says_nothing(service: ServiceWithDatabase) -> None:
    await service.send("1")
    await service.until_committed(1)
    await service.stop()

    await service.start()
    await service.send("2")
    await service.until_seen("1", "2")

    assert service.told == ["2"]
    assert "restored database" not in service.health.degraded()


async def test_a_bug_holds_up_its_partition_alone_until_an_operator_skips_the_message(
    service: ServiceWithDatabase,
) -> None:
    service.bug = "2"
    await service.send("1", "2", "3")
    await service.until_committed(1)
    await service.send("4", partition=1)
    await service.until_committed(1, partition=1)

    assert "in front of offset 1 (KeyError: '2')" in "; ".join(service.health.degraded().values())
    assert await service.committed() == 1

    skip = Skip(TopicPartition(service.model.topic, 0), 2, "a known bug", "ann", datetime.now(UTC))
    await ControlRepository(service.mongo).put([skip])
    await service.until_seen("1", "3", "4")
    await service.until_committed(3)

    assert await letters(service) == ["skipped by an operator: a known bug"]
    assert "standing still" not in "; ".join(service.health.degraded())


async def letters(service: ServiceWithDatabase) -> list[str]:
    """Returns the reasons of the letters of our topic."""
    found: list[str] = []
    async with AIOKafkaConsumer(
        f"{SERVICE}.dead-letter.v1", **client_options(service.kafka), auto_offset_reset="earliest"
    ) as reader:
        [(partition, end)] = (await reader.end_offsets(list(reader.assignment()))).items()
        while await reader.position(partition) < end:
            for records in (await reader.getmany(timeout_ms=200)).values():
                every = [dict(record.headers) for record in records]
                ours = [each for each in every if each["x-origin"].decode().startswith(service.model.topic)]
                found += [each["x-error"].decode() for each in ours]
    return found
