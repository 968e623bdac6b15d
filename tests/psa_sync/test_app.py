"""psa-sync as a whole, on an in-memory Kafka: from what it consumes to what it publishes."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fastapi import FastAPI
from faststream.kafka import KafkaBroker, TestKafkaBroker
from psa import FakePsa
from psa_runs import a_psa
from run_env import RecordingStatusChannel, unfenced
from writes import a_write, connected

from psa_sync.app import make_app
from shared.contracts import Message
from shared.contracts.base import RunKind
from shared.contracts.psa_sync import CancelWrite, SyncPsa
from shared.kafka import Publisher, make_broker
from shared.mongo import Mongo
from shared.runtime.settings import KafkaSettings, MongoSettings
from shared.sync_engine.sync_service import SyncDependencies


class Running:
    """The service while it runs, and what it held_lines."""

    def __init__(self, app: FastAPI, broker: KafkaBroker, psa: FakePsa, mongo: Mongo) -> None:
        self.app, self.psa, self._mongo = app, psa, mongo
        self._publisher = Publisher(broker, "test")

    async def receives(self, *messages: Message) -> None:
        await self._publisher.publish(messages)

    async def runs_ended(self, count: int) -> None:
        """Waits until so many runs are over."""
        await self._wait_for("runs", {"finished_at": {"$ne": None}}, count)

    async def writes_ended(self, count: int) -> None:
        await self._wait_for("writes", {"finished": True}, count)

    async def _wait_for(self, collection: str, filter_: dict[str, object], count: int) -> None:
        deadline = time.monotonic() + 60
        rows = self._mongo.all_tenants(collection)
        while await rows.count(filter_) < count:
            assert time.monotonic() < deadline, f"{collection} did not reach {count}"
            await asyncio.sleep(0.05)


@pytest.fixture
async def service(mongo_settings: MongoSettings, mongo: Mongo) -> AsyncIterator[Running]:
    broker, psa = make_broker(KafkaSettings(servers="127.0.0.1:1"), "psa-sync"), a_psa()
    app = make_app(
        SyncDependencies(
            Mongo(mongo_settings),
            broker,
            RecordingStatusChannel(),
            psa.connect,
            unfenced(Publisher(broker, "psa-sync")),
        )
    )
    async with TestKafkaBroker(broker), app.router.lifespan_context(app):
        yield Running(app, broker, psa, mongo)


async def test_connecting_starts_the_first_run(service: Running) -> None:
    await service.receives(connected(), connected())

    await service.runs_ended(1)
    assert service.psa.calls.count("companies") == 1


async def test_a_sync_command_starts_a_run(service: Running) -> None:
    await service.receives(connected())
    await service.runs_ended(1)

    command = SyncPsa(
        tenant_id="demo", integration_id="int_1", sync_id="s1", kind=RunKind.FULL, asked_by="billing"
    )
    await service.receives(command, command)

    await service.runs_ended(2)
    assert service.psa.calls.count("companies") == 2


async def test_a_write_command_delivered_twice_is_written_once(service: Running) -> None:
    command = a_write().model_copy(update={"valid_until": datetime.now(UTC) + timedelta(hours=1)})
    await service.receives(connected(), command, command)

    await service.writes_ended(1)
    await service.receives(command)
    assert service.psa.applied == [("901", command.target)]


async def test_a_write_whose_cancel_came_first_is_not_made(service: Running) -> None:
    command = a_write().model_copy(update={"valid_until": datetime.now(UTC) + timedelta(hours=1)})
    ids = command.model_dump(include={"tenant_id", "integration_id", "line_id", "approval_id"})

    await service.receives(connected(), CancelWrite(**ids, reason="the mapping was revoked"), command)

    await service.writes_ended(1)
    assert not [call for call in service.psa.calls if call.startswith("write")]


async def test_it_is_ready_while_its_store_answers(service: Running) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(service.app), base_url="http://x") as client:
        live, ready = await client.get("/health/live"), await client.get("/health/ready")

    assert live.status_code == 200
    assert "document store" not in ready.json()["faults"]
