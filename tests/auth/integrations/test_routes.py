from datetime import datetime

import httpx
import pytest
from auth_env import auth_over_http, connect, outbox_messages, person_headers, request_access
from provider_fakes import FakeProviders, ingram_body

from shared.contracts.auth import IntegrationChanged, IntegrationConnected
from shared.mongo import Mongo
from shared.web.person import Role

ADMIN = person_headers(Role.ADMIN)


async def test_connecting_answers_what_everybody_may_know(mongo: Mongo) -> None:
    async with auth_over_http(mongo, FakeProviders().transport) as auth:
        integration = await connect(auth, ingram_body(marketplace="cp.us.na.cloud.im"))
        listed = await auth.get("/integrations", headers=person_headers(Role.VIEWER))
        shown = await auth.get(f"/integrations/{integration['integration_id']}", headers=ADMIN)

    assert datetime.fromisoformat(integration.pop("connected_at")).tzinfo
    assert integration == {
        "integration_id": integration["integration_id"],
        "side": "vendor",
        "provider": "ingram-micro",
        "realm": "https://api.cloud.im/marketplace/na#us@1000001",
        "name": "Ingram Micro US",
        "status": "pending",
        "reason": None,
        "generation": integration["generation"],
        "settings": {"hold_billable": True, "freshness": "P7D"},
    }
    assert integration.items() <= listed.json()["integrations"][0].items()
    assert shown.json() == listed.json()["integrations"][0]


async def test_wrong_credentials_are_neither_saved_nor_published(mongo: Mongo) -> None:
    providers = FakeProviders()
    providers.replies["/marketplace/na/token"] = httpx.Response(401, json={"message": "Bad credentials"})

    async with auth_over_http(mongo, providers.transport) as auth:
        answer = await auth.post("/integrations", json=ingram_body(), headers=ADMIN)

    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert [field["name"] for field in answer.json()["fields"]] == ["username", "password"]
    assert "Bad credentials" in answer.json()["detail"]
    for name in ("integrations", "credentials", "outbox"):
        assert await mongo.all_tenants(name).count() == 0


async def test_a_provider_that_is_busy_asks_for_patience(mongo: Mongo) -> None:
    providers = FakeProviders()
    providers.replies["/marketplace/na/token"] = httpx.Response(429, headers={"Retry-After": "300"})

    async with auth_over_http(mongo, providers.transport) as auth:
        answer = await auth.post("/integrations", json=ingram_body(), headers=ADMIN)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "300")
    assert await mongo.all_tenants("integrations").count() == 0


@pytest.mark.parametrize("body", [b"[]", b"{", b"", b'"x"'])
async def test_what_is_no_connection_is_a_problem(mongo: Mongo, body: bytes) -> None:
    async with auth_over_http(mongo, FakeProviders().transport) as auth:
        answer = await auth.post("/integrations", content=body, headers=ADMIN)

    assert (answer.status_code, answer.json()["status"]) == (422, 422)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.MAPPER, Role.APPROVER])
async def test_only_admins_connect_and_disconnect(mongo: Mongo, role: Role) -> None:
    async with auth_over_http(mongo, FakeProviders().transport) as auth:
        connect = await auth.post("/integrations", json=ingram_body(), headers=person_headers(role))
        disconnect = await auth.delete("/integrations/int_1", headers=person_headers(role))
        nobody = await auth.get("/integrations")

    assert (connect.status_code, disconnect.status_code, nobody.status_code) == (403, 403, 401)


async def test_disconnecting_ends_access_and_is_the_same_twice(mongo: Mongo) -> None:
    async with auth_over_http(mongo, FakeProviders().transport) as auth:
        integration = await connect(auth, ingram_body())
        await request_access(auth, "vendor-sync", integration)
        path = f"/integrations/{integration['integration_id']}"
        answers = [await auth.delete(path, headers=ADMIN) for _ in range(2)]
        access = await request_access(auth, "vendor-sync", integration)

    assert [answer.json()["status"] for answer in answers] == ["disconnected"] * 2
    assert access.status_code == 404
    assert [event.status for event in await outbox_messages(mongo, IntegrationChanged)] == [
        "pending",
        "disconnected",
    ]


async def test_another_tenant_sees_and_ends_nothing(mongo: Mongo) -> None:
    stranger = person_headers(Role.ADMIN, "other")

    async with auth_over_http(mongo, FakeProviders().transport) as auth:
        path = f"/integrations/{(await connect(auth, ingram_body()))['integration_id']}"
        listed = await auth.get("/integrations", headers=stranger)
        answers = [await auth.get(path, headers=stranger), await auth.delete(path, headers=stranger)]

    assert listed.json() == {"integrations": []}
    assert [answer.status_code for answer in answers] == [404, 404]


async def test_connecting_again_is_the_next_generation_of_the_same(mongo: Mongo) -> None:
    async with auth_over_http(mongo, FakeProviders().transport) as auth:
        first = await connect(auth, ingram_body())
        second = await connect(auth, ingram_body(password="canary-password-2"))

    assert first["integration_id"] == second["integration_id"]
    assert first["generation"] < second["generation"]
    announced = [event.generation for event in await outbox_messages(mongo, IntegrationConnected)]
    assert announced == [first["generation"], second["generation"]]
