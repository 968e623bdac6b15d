"""vendor-sync as a whole, on an in-memory Kafka: from what it consumes to what it publishes."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
from fastapi import FastAPI
from faststream.kafka import KafkaBroker, TestKafkaBroker
from marketplace import FakeMarketplace, an_offer, customers
from run_env import RecordingStatusChannel, changed, connected, unfenced

from shared.contracts import Message
from shared.contracts.auth import IntegrationStatus
from shared.contracts.base import RunKind, Side
from shared.contracts.vendor_sync import SyncVendor
from shared.kafka import Publisher, make_broker
from shared.mongo import Mongo
from shared.runtime.settings import KafkaSettings, MongoSettings
from shared.sync_engine.sync_service import SyncDependencies
from vendor_sync.app import make_app

COMMAND = SyncVendor(
    tenant_id="demo", integration_id="int_1", sync_id="s1", kind=RunKind.FULL, asked_by="billing"
)


@dataclass
class Running:
    """The running service with its fakes."""

    app: FastAPI
    broker: KafkaBroker
    marketplace: FakeMarketplace
    mongo: Mongo

    async def receives(self, *messages: Message) -> None:
        await Publisher(self.broker, "test").publish(messages)

    async def runs_ended(self, count: int) -> list[str]:
        """Waits until so many runs have ended; returns their states."""
        deadline, rows = time.monotonic() + 60, self.mongo.all_tenants("runs")
        while await rows.count({"finished_at": {"$ne": None}}) < count:
            assert time.monotonic() < deadline, f"{count} runs did not end"
            await asyncio.sleep(0.05)
        return [row["state"] for row in await rows.find(sort=[("queued_at", 1)])]


@pytest.fixture
async def service(mongo_settings: MongoSettings, mongo: Mongo) -> AsyncIterator[Running]:
    marketplace = FakeMarketplace(listed_customers=customers("c1"))
    marketplace.put(an_offer("s1", "offer"))
    broker = make_broker(KafkaSettings(servers="127.0.0.1:1"), "vendor-sync")
    app = make_app(
        SyncDependencies(
            Mongo(mongo_settings),
            broker,
            RecordingStatusChannel(),
            marketplace.connect,
            unfenced(Publisher(broker, "vendor-sync")),
        )
    )
    async with TestKafkaBroker(broker), app.router.lifespan_context(app):
        yield Running(app, broker, marketplace, mongo)


async def test_connecting_starts_the_first_run_once(service: Running) -> None:
    await service.receives(connected(), connected())

    assert await service.runs_ended(1) == ["complete"]
    await service.receives(connected())
    assert await service.runs_ended(1) == ["complete"]
    # Once for its service, and once more with its account.
    assert service.marketplace.calls == ["s1", "s1"]


async def test_a_sync_command_delivered_twice_starts_one_run(service: Running) -> None:
    await service.receives(connected())
    await service.runs_ended(1)

    await service.receives(COMMAND, COMMAND)

    assert await service.runs_ended(2) == ["complete", "complete"]


async def test_a_request_for_what_is_disconnected_is_answered(service: Running) -> None:
    await service.receives(connected(), changed(IntegrationStatus.DISCONNECTED, revision=3))
    before = len(await service.runs_ended(1))

    await service.receives(COMMAND)

    assert (await service.runs_ended(before + 1))[-1] == "failed"


async def test_the_integration_of_a_psa_is_ignored(service: Running) -> None:
    await service.receives(connected(side=Side.PSA))

    assert await service.mongo.all_tenants("runs").count() == 0


async def test_it_is_ready_while_its_store_answers(service: Running) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(service.app), base_url="http://x") as client:
        live, ready = await client.get("/health/live"), await client.get("/health/ready")

    assert live.status_code == 200
    assert "document store" not in ready.json()["faults"]
