import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from auth_env import PASSWORD, as_person, auth_settings
from faststream.kafka import KafkaBroker, TestKafkaBroker
from provider_fakes import FarSide, connectwise_body, ingram_body

from auth.app import make_app
from shared.contracts import Message, psa_sync, vendor_sync
from shared.contracts.matcher import MappingFinished
from shared.kafka import Publisher, make_broker
from shared.mongo import Mongo
from shared.web.token_verification import Role

ADMIN = as_person(Role.ADMIN)
Auth = tuple[httpx.AsyncClient, KafkaBroker]


@asynccontextmanager
async def running(mongo: Mongo) -> AsyncIterator[Auth]:
    """Auth as a process runs it, on in-memory Kafka."""
    settings = auth_settings()
    broker = make_broker(settings.kafka, "auth")
    app = make_app(settings, mongo, broker, transport=FarSide().transport)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://auth")
    async with TestKafkaBroker(broker, connect_only=False), app.router.lifespan_context(app), client:
        yield client, broker


async def both_connected(auth: httpx.AsyncClient) -> list[str]:
    bodies = (ingram_body(), connectwise_body())
    answers = [await auth.post("/integrations", json=body, headers=ADMIN) for body in bodies]
    return [answer.json()["integration_id"] for answer in answers]


async def tell(broker: KafkaBroker, message: Message) -> None:
    await Publisher(broker, "test").publish([message])


async def seen(auth: httpx.AsyncClient, wanted: list[str]) -> list[dict[str, Any]]:
    """The integrations once their statuses are as wanted, or as they are after a minute."""
    until = time.monotonic() + 60
    while True:
        found: list[dict[str, Any]] = (await auth.get("/integrations", headers=ADMIN)).json()["integrations"]
        if sorted(one["status"] for one in found) == sorted(wanted) or time.monotonic() > until:
            return found
        await asyncio.sleep(0.02)


async def emptied(mongo: Mongo) -> bool:
    """Whether the outbox is empty within a minute."""
    until = time.monotonic() + 60
    while left := await mongo.all_tenants("outbox").count():
        if time.monotonic() > until:
            return False
        await asyncio.sleep(0.02)
    return left == 0


def finished(*integration_ids: str) -> MappingFinished:
    return MappingFinished(
        tenant_id="demo",
        vendor_integration_id=integration_ids[0],
        psa_integration_id=integration_ids[1],
        finish_id="fin_1",
        counts={},
        finished_by="ann",
        finished_at=datetime.now(UTC),
    )


async def test_the_seeded_admin_signs_in_once_auth_runs(mongo: Mongo) -> None:
    async with running(mongo) as (auth, _):
        body = {"email": "admin@demo.example", "password": PASSWORD}
        signed = (await auth.post("/sessions", json=body)).json()
        listed = await auth.get("/integrations", headers={"Authorization": f"Bearer {signed['token']}"})
        keys = await auth.get("/.well-known/jwks.json")

    assert listed.status_code == 200
    assert signed["person"]["role"] == "admin"
    assert "d" not in keys.json()["keys"][0]


async def test_what_is_connected_is_told(mongo: Mongo) -> None:
    async with running(mongo) as (auth, _):
        await both_connected(auth)

        assert await emptied(mongo)


async def test_finished_mapping_makes_both_active(mongo: Mongo) -> None:
    async with running(mongo) as (auth, broker):
        await tell(broker, finished(*await both_connected(auth)))

        assert [one["status"] for one in await seen(auth, ["active"] * 2)] == ["active"] * 2


async def test_finished_mapping_of_what_is_not_known_changes_nothing(mongo: Mongo) -> None:
    async with running(mongo) as (auth, broker):
        await both_connected(auth)
        await tell(broker, finished("int_unknown", "int_gone"))

        assert {one["status"] for one in await seen(auth, ["pending"] * 2)} == {"pending"}


@pytest.mark.parametrize("generation", [1, 7])
async def test_refused_credentials_end_in_error_if_they_are_the_present_ones(
    mongo: Mongo, generation: int
) -> None:
    async with running(mongo) as (auth, broker):
        vendor, psa = await both_connected(auth)
        refused = {"tenant_id": "demo", "generation": generation, "refused": "the key was taken back"}
        await tell(broker, vendor_sync.VendorCredentialsRejected(integration_id=vendor, **refused))
        await tell(broker, psa_sync.PsaCredentialsRejected(integration_id=psa, **refused))
        wanted = ["error" if generation == 1 else "pending"] * 2
        found = await seen(auth, wanted)

    assert [one["status"] for one in found] == wanted
    assert {one["reason"] for one in found} == {"the key was taken back" if generation == 1 else None}


async def test_auth_is_ready_when_its_store_and_kafka_answer(mongo: Mongo) -> None:
    async with running(mongo) as (auth, _):
        live, ready = await auth.get("/health/live"), await auth.get("/health/ready")

    assert live.json() == {"service": "auth", "ok": True, "faults": []}
    assert ready.json()["faults"] in ([], ["kafka"])
