from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from billing_world import World, a_world
from faststream.kafka import KafkaBroker, TestKafkaBroker
from lines import AT, PSA, VENDOR, Connected
from observation_builders import PSA as PSA_SIDE
from observation_builders import a_finished_run

from billing.runs.handlers import register
from billing.runs.repository import SyncRepository
from billing.runs.sync_requests import SyncRequestService
from shared.contracts import Message
from shared.contracts.matcher import MappingFinished
from shared.kafka import make_broker
from shared.mongo import Mongo
from shared.runtime.health import Health
from shared.runtime.settings import KafkaSettings


async def test_a_finished_mapping_delivered_twice_starts_one_sync(mongo: Mongo) -> None:
    world = await a_world(mongo)
    finished = MappingFinished(
        tenant_id="demo",
        vendor_integration_id=VENDOR,
        psa_integration_id=PSA,
        finish_id="fin_1",
        counts={},
        finished_by="ann",
        finished_at=AT,
    )

    async with consuming(world, []) as broker:
        await publish(broker, finished)
        await publish(broker, finished)

    assert await mongo.documents("syncs", "demo").count() == 1
    assert await mongo.all_tenants("outbox").count() == 2


async def test_the_ends_of_runs_of_both_sides_are_stored_and_wake_the_job_that_closes_them(
    mongo: Mongo,
) -> None:
    world, wakes = await a_world(mongo), list[str]()

    async with consuming(world, wakes) as broker:
        await publish(broker, a_finished_run())
        await publish(broker, a_finished_run(integration_id=PSA_SIDE))

    assert len(await world.runs.awaiting_closure()) == 2
    assert wakes == ["wake", "wake"]


@asynccontextmanager
async def consuming(world: World, wakes: list[str]) -> AsyncIterator[KafkaBroker]:
    """Consumes on an in-memory broker; each wake of the closing job adds a word to the list."""
    broker = make_broker(KafkaSettings(servers="127.0.0.1:1"), "billing")
    sync_requests = SyncRequestService(SyncRepository(world.mongo, world.outbox), Connected())
    register(
        broker,
        world.run_closer,
        sync_requests,
        wake=lambda: wakes.append("wake"),
        health=Health("billing"),
    )
    async with TestKafkaBroker(broker) as running:
        yield running


async def publish(broker: KafkaBroker, message: Message) -> None:
    await broker.publish(message.model_dump_json().encode(), message.topic, key=message.key.encode())
