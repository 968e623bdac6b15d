from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from auth_env import as_person, as_service, auth_over_http, said
from provider_fakes import FarSide, connectwise_body, ingram_body

from shared.contracts.auth import IntegrationChanged, IntegrationConnected
from shared.mongo import Mongo
from shared.web.person import Role

ADMIN = as_person(Role.ADMIN)


async def connected(auth: httpx.AsyncClient, body: dict[str, Any]) -> dict[str, Any]:
    answer = await auth.post("/integrations", json=body, headers=ADMIN)
    assert answer.status_code == 201, answer.text
    integration: dict[str, Any] = answer.json()
    return integration


async def asked_for(
    auth: httpx.AsyncClient, service: str, integration: dict[str, Any], **more: Any
) -> httpx.Response:
    wanted = {"tenant_id": "demo", "integration_id": integration["integration_id"], **more}
    return await auth.post("/internal/access", json=wanted, headers=as_service(service))


async def test_connecting_answers_what_everybody_may_know(mongo: Mongo) -> None:
    async with auth_over_http(mongo, FarSide().transport) as auth:
        integration = await connected(auth, ingram_body(marketplace="cp.us.na.cloud.im"))
        listed = await auth.get("/integrations", headers=as_person(Role.VIEWER))
        one = await auth.get(f"/integrations/{integration['integration_id']}", headers=ADMIN)

    assert datetime.fromisoformat(integration.pop("connected_at")).tzinfo
    assert integration == {
        "integration_id": integration["integration_id"],
        "side": "vendor",
        "provider": "ingram-micro",
        "realm": "https://api.cloud.im/marketplace/na#us",
        "name": "Ingram Micro US",
        "status": "pending",
        "reason": None,
        "generation": 1,
        "settings": {"hold_billable": True, "freshness": "P7D"},
    }
    assert integration.items() <= listed.json()["integrations"][0].items()
    assert one.json() == listed.json()["integrations"][0]


async def test_wrong_credentials_are_not_saved_and_not_told(mongo: Mongo) -> None:
    far_side = FarSide()
    far_side.says["/marketplace/na/token"] = httpx.Response(401, json={"message": "Bad credentials"})

    async with auth_over_http(mongo, far_side.transport) as auth:
        answer = await auth.post("/integrations", json=ingram_body(), headers=ADMIN)

    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert [field["name"] for field in answer.json()["fields"]] == ["username", "password"]
    assert "Bad credentials" in answer.json()["detail"]
    for name in ("integrations", "credentials", "outbox"):
        assert await mongo.all_tenants(name).count() == 0


async def test_a_provider_that_is_busy_asks_for_patience(mongo: Mongo) -> None:
    far_side = FarSide()
    far_side.says["/marketplace/na/token"] = httpx.Response(429, headers={"Retry-After": "300"})

    async with auth_over_http(mongo, far_side.transport) as auth:
        answer = await auth.post("/integrations", json=ingram_body(), headers=ADMIN)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "300")
    assert await mongo.all_tenants("integrations").count() == 0


@pytest.mark.parametrize("body", [b"[]", b"{", b"", b'"x"'])
async def test_what_is_no_connection_is_a_problem(mongo: Mongo, body: bytes) -> None:
    async with auth_over_http(mongo, FarSide().transport) as auth:
        answer = await auth.post("/integrations", content=body, headers=ADMIN)

    assert (answer.status_code, answer.json()["status"]) == (422, 422)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.MAPPER, Role.APPROVER])
async def test_only_admins_connect_and_disconnect(mongo: Mongo, role: Role) -> None:
    async with auth_over_http(mongo, FarSide().transport) as auth:
        connect = await auth.post("/integrations", json=ingram_body(), headers=as_person(role))
        disconnect = await auth.delete("/integrations/int_1", headers=as_person(role))
        nobody = await auth.get("/integrations")

    assert (connect.status_code, disconnect.status_code, nobody.status_code) == (403, 403, 401)


async def test_disconnecting_ends_access_and_is_the_same_twice(mongo: Mongo) -> None:
    async with auth_over_http(mongo, FarSide().transport) as auth:
        integration = await connected(auth, ingram_body())
        await asked_for(auth, "vendor-sync", integration)
        path = f"/integrations/{integration['integration_id']}"
        answers = [await auth.delete(path, headers=ADMIN) for _ in range(2)]
        access = await asked_for(auth, "vendor-sync", integration)

    assert [answer.json()["status"] for answer in answers] == ["disconnected"] * 2
    assert access.status_code == 404
    assert [event.status for event in await said(mongo, IntegrationChanged)] == ["pending", "disconnected"]


async def test_another_tenant_sees_and_ends_nothing(mongo: Mongo) -> None:
    stranger = as_person(Role.ADMIN, "other")

    async with auth_over_http(mongo, FarSide().transport) as auth:
        path = f"/integrations/{(await connected(auth, ingram_body()))['integration_id']}"
        listed = await auth.get("/integrations", headers=stranger)
        answers = [await auth.get(path, headers=stranger), await auth.delete(path, headers=stranger)]

    assert listed.json() == {"integrations": []}
    assert [answer.status_code for answer in answers] == [404, 404]


async def test_access_to_the_marketplace_is_one_token_for_all(mongo: Mongo) -> None:
    far_side = FarSide()

    async with auth_over_http(mongo, far_side.transport) as auth:
        integration = await connected(auth, ingram_body())
        far_side.calls.clear()
        first, second = [(await asked_for(auth, "vendor-sync", integration)).json() for _ in range(2)]

    assert first == second
    assert (first["base_url"], first["generation"]) == ("https://api.cloud.im/marketplace/na", 1)
    assert set(first["headers"]) == {"Authorization", "X-Subscription-Key"}
    lasts = datetime.fromisoformat(first["expires_at"]) - datetime.fromisoformat(first["issued_at"])
    assert lasts == timedelta(seconds=1440)
    assert len(far_side.calls) == 1


async def test_refused_access_to_the_psa_is_looked_up_anew(mongo: Mongo) -> None:
    far_side = FarSide()

    async with auth_over_http(mongo, far_side.transport) as auth:
        integration = await connected(auth, connectwise_body())
        before = (await asked_for(auth, "psa-sync", integration)).json()
        far_side.says["/login/companyinfo/acme"] = httpx.Response(
            200, json={"Codebase": "v2026_1/", "IsCloud": True}
        )
        same = (await asked_for(auth, "psa-sync", integration)).json()
        after = await asked_for(auth, "psa-sync", integration, rejected_after=before["issued_at"])

    assert same["base_url"] == "https://api-na.myconnectwise.net/v2025_1/apis/3.0"
    assert after.json()["base_url"] == "https://api-na.myconnectwise.net/v2026_1/apis/3.0"


async def test_refused_sign_in_is_a_409_and_ends_in_error(mongo: Mongo) -> None:
    far_side = FarSide()

    async with auth_over_http(mongo, far_side.transport) as auth:
        integration = await connected(auth, ingram_body())
        far_side.says["/marketplace/na/token"] = httpx.Response(401, json={"message": "Bad credentials"})
        answers = [await asked_for(auth, "vendor-sync", integration) for _ in range(2)]
        now = (await auth.get("/integrations", headers=ADMIN)).json()["integrations"][0]

    assert [answer.status_code for answer in answers] == [409, 409]
    assert now["status"] == "error"
    assert "Bad credentials" in now["reason"]
    assert far_side.paths.count("POST /marketplace/na/token") == 2


async def test_access_is_for_known_services_on_their_own_side(mongo: Mongo) -> None:
    async with auth_over_http(mongo, FarSide().transport) as auth:
        integration = await connected(auth, ingram_body())
        other_side = await asked_for(auth, "psa-sync", integration)
        wanted = {"tenant_id": "demo", "integration_id": integration["integration_id"]}
        people = [
            await auth.post("/internal/access", json=wanted, headers=headers)
            for headers in ({}, ADMIN, {"Authorization": "Bearer canary"}, {"Authorization": "Basic x"})
        ]

    assert other_side.status_code == 404
    assert [answer.status_code for answer in people] == [401] * 4


async def test_connecting_again_is_the_next_generation_of_the_same(mongo: Mongo) -> None:
    async with auth_over_http(mongo, FarSide().transport) as auth:
        first = await connected(auth, ingram_body())
        second = await connected(auth, ingram_body(password="canary-password-2"))

    assert (first["integration_id"], first["generation"] + 1) == (
        second["integration_id"],
        second["generation"],
    )
    assert [event.generation for event in await said(mongo, IntegrationConnected)] == [1, 2]
