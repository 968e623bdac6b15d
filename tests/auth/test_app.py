import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from auth_env import PASSWORD, auth_settings, connect, person_headers
from faststream.kafka import KafkaBroker, TestKafkaBroker
from news_reader import reading_news
from provider_fakes import FakeProviders, connectwise_body, ingram_body

from auth.app import make_app
from shared.contracts import Message, psa_sync, vendor_sync
from shared.contracts.matcher import MappingFinished
from shared.kafka import Publisher, make_broker
from shared.mongo import Mongo
from shared.runtime.settings import RedisSettings
from shared.web.person import Role

ADMIN = person_headers(Role.ADMIN)


@asynccontextmanager
async def running(mongo: Mongo, **changed: Any) -> AsyncIterator[tuple[httpx.AsyncClient, KafkaBroker]]:
    """Auth as a process runs it, on in-memory Kafka."""
    settings = auth_settings(**changed)
    broker = make_broker(settings.kafka, "auth")
    app = make_app(settings, mongo, broker, transport=FakeProviders().transport)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://auth")
    async with TestKafkaBroker(broker, connect_only=False), app.router.lifespan_context(app), client:
        yield client, broker


async def connect_both(auth: httpx.AsyncClient) -> list[str]:
    """Connects the marketplace and the PSA; returns both integration ids."""
    return [(await connect(auth, body))["integration_id"] for body in (ingram_body(), connectwise_body())]


async def publish(broker: KafkaBroker, message: Message) -> None:
    await Publisher(broker, "test").publish([message])


async def integrations_once(auth: httpx.AsyncClient, statuses: list[str]) -> list[dict[str, Any]]:
    """The integrations once they have these statuses, or as they are after a minute."""
    deadline = time.monotonic() + 60
    while True:
        listed: list[dict[str, Any]] = (await auth.get("/integrations", headers=ADMIN)).json()["integrations"]
        if statuses_of(listed) == sorted(statuses) or time.monotonic() > deadline:
            return listed
        await asyncio.sleep(0.02)


def statuses_of(integrations: list[dict[str, Any]]) -> list[str]:
    return sorted(integration["status"] for integration in integrations)


async def outbox_empties(mongo: Mongo) -> bool:
    """Whether the outbox is empty within a minute."""
    deadline = time.monotonic() + 60
    while await mongo.all_tenants("outbox").count():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.02)
    return True


async def generations_of(auth: httpx.AsyncClient, *, present: bool) -> dict[str, int]:
    """The generation of each integration by its id: the present one, or one that never was."""
    listed = (await auth.get("/integrations", headers=ADMIN)).json()["integrations"]
    return {one["integration_id"]: one["generation"] if present else 7 for one in listed}


def mapping_finished(*integration_ids: str) -> MappingFinished:
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
        session = (await auth.post("/sessions", json=body)).json()
        listed = await auth.get("/integrations", headers={"Authorization": f"Bearer {session['token']}"})
        keys = await auth.get("/.well-known/jwks.json")

    assert listed.status_code == 200
    assert session["person"]["role"] == "admin"
    assert "d" not in keys.json()["keys"][0]


async def test_what_is_connected_is_published(mongo: Mongo) -> None:
    async with running(mongo) as (auth, _):
        await connect_both(auth)

        assert await outbox_empties(mongo)


async def test_whoever_looks_is_told_of_an_integration(mongo: Mongo, redis_settings: RedisSettings) -> None:
    auth_with_redis = running(mongo, redis=redis_settings.model_dump())
    async with reading_news(redis_settings, "demo") as next_news, auth_with_redis as (auth, _):
        integration = await connect(auth, ingram_body())
        connected = await next_news()
        await auth.delete(f"/integrations/{integration['integration_id']}", headers=ADMIN)
        disconnected = await next_news()

    assert {connected.kind, disconnected.kind} == {"integration"}
    assert {connected.id, disconnected.id} == {integration["integration_id"]}
    assert (connected.state, disconnected.state) == ("pending", "disconnected")
    assert connected.at < disconnected.at


async def test_without_redis_integrations_are_connected_and_auth_is_degraded(mongo: Mongo) -> None:
    async with running(mongo) as (auth, _):
        await connect_both(auth)
        ready = await auth.get("/health/ready")

    assert "news" in ready.json()["degraded"]
    assert ready.json()["faults"] in ([], ["kafka"])


async def test_finished_mapping_makes_both_active(mongo: Mongo) -> None:
    async with running(mongo) as (auth, broker):
        await publish(broker, mapping_finished(*await connect_both(auth)))

        assert statuses_of(await integrations_once(auth, ["active"] * 2)) == ["active"] * 2


async def test_finished_mapping_of_what_is_not_known_changes_nothing(mongo: Mongo) -> None:
    async with running(mongo) as (auth, broker):
        await connect_both(auth)
        await publish(broker, mapping_finished("int_unknown", "int_vanished"))

        assert statuses_of(await integrations_once(auth, ["pending"] * 2)) == ["pending"] * 2


@pytest.mark.parametrize("present", [True, False])
async def test_refused_credentials_end_in_error_if_they_are_the_present_ones(
    mongo: Mongo, *, present: bool
) -> None:
    async with running(mongo) as (auth, broker):
        vendor, psa = await connect_both(auth)
        generations = await generations_of(auth, present=present)
        said = {"tenant_id": "demo", "refused": "the key was taken back"}
        of_vendor, of_psa = ({"integration_id": id_, "generation": generations[id_]} for id_ in (vendor, psa))
        await publish(broker, vendor_sync.VendorCredentialsRejected(**said, **of_vendor))
        await publish(broker, psa_sync.PsaCredentialsRejected(**said, **of_psa))
        statuses = ["error" if present else "pending"] * 2
        listed = await integrations_once(auth, statuses)

    assert statuses_of(listed) == statuses
    assert {integration["reason"] for integration in listed} == {
        "the key was taken back" if present else None
    }


async def test_auth_is_ready_when_its_store_and_kafka_answer(mongo: Mongo) -> None:
    async with running(mongo) as (auth, _):
        live, ready = await auth.get("/health/live"), await auth.get("/health/ready")

    assert live.json() == {"service": "auth", "ok": True, "faults": []}
    assert ready.json()["faults"] in ([], ["kafka"])
