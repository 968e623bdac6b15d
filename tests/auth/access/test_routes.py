from datetime import datetime, timedelta

import httpx
import pytest
from auth_env import auth_over_http, connect, person_headers, request_access
from provider_fakes import FakeProviders, connectwise_body, ingram_body

from shared.mongo import Mongo
from shared.web.person import Role

ADMIN = person_headers(Role.ADMIN)


async def test_access_to_the_marketplace_is_one_token_for_all(mongo: Mongo) -> None:
    providers = FakeProviders()

    async with auth_over_http(mongo, providers.transport) as auth:
        integration = await connect(auth, ingram_body())
        providers.calls.clear()
        first, second = [(await request_access(auth, "vendor-sync", integration)).json() for _ in range(2)]

    assert first == second
    assert first["base_url"] == "https://api.cloud.im/marketplace/na"
    assert first["generation"] == integration["generation"]
    assert set(first["headers"]) == {"Authorization", "X-Subscription-Key"}
    lasts = datetime.fromisoformat(first["expires_at"]) - datetime.fromisoformat(first["issued_at"])
    assert lasts == timedelta(seconds=1440)
    assert len(providers.calls) == 1


async def test_refused_access_to_the_psa_is_looked_up_anew(mongo: Mongo) -> None:
    providers = FakeProviders()

    async with auth_over_http(mongo, providers.transport) as auth:
        integration = await connect(auth, connectwise_body())
        before = (await request_access(auth, "psa-sync", integration)).json()
        providers.replies["/login/companyinfo/acme"] = httpx.Response(
            200, json={"Codebase": "v2026_1/", "IsCloud": True}
        )
        same = (await request_access(auth, "psa-sync", integration)).json()
        after = await request_access(auth, "psa-sync", integration, rejected_after=before["issued_at"])

    assert same["base_url"] == "https://api-na.myconnectwise.net/v2025_1/apis/3.0"
    assert after.json()["base_url"] == "https://api-na.myconnectwise.net/v2026_1/apis/3.0"


async def test_refused_sign_in_is_a_409_and_ends_in_error(mongo: Mongo) -> None:
    providers = FakeProviders()

    async with auth_over_http(mongo, providers.transport) as auth:
        integration = await connect(auth, ingram_body())
        providers.replies["/marketplace/na/token"] = httpx.Response(401, json={"message": "Bad credentials"})
        answers = [await request_access(auth, "vendor-sync", integration) for _ in range(2)]
        integration = (await auth.get("/integrations", headers=ADMIN)).json()["integrations"][0]

    assert [answer.status_code for answer in answers] == [409, 409]
    assert integration["status"] == "error"
    assert "Bad credentials" in integration["reason"]
    assert providers.paths.count("POST /marketplace/na/token") == 2


async def test_access_is_for_known_services_on_their_own_side(mongo: Mongo) -> None:
    async with auth_over_http(mongo, FakeProviders().transport) as auth:
        integration = await connect(auth, ingram_body())
        other_side = await request_access(auth, "psa-sync", integration)
        wanted = {"tenant_id": "demo", "integration_id": integration["integration_id"], "generation": 1}
        refused = [
            await auth.post("/internal/access", json=wanted, headers=headers)
            for headers in ({}, ADMIN, {"Authorization": "Bearer canary"}, {"Authorization": "Basic x"})
        ]

    assert other_side.status_code == 404
    assert [answer.status_code for answer in refused] == [401] * 4


async def test_access_for_a_former_generation_is_a_409_with_its_own_reason(mongo: Mongo) -> None:
    async with auth_over_http(mongo, FakeProviders().transport) as auth:
        first = await connect(auth, ingram_body())
        await request_access(auth, "vendor-sync", first)
        second = await connect(auth, ingram_body(password="canary-password-2"))
        late = await request_access(auth, "vendor-sync", first)
        granted = await request_access(auth, "vendor-sync", second)

    assert (late.status_code, late.json()["reason"]) == (409, "other-generation")
    assert "headers" not in late.json()
    assert (granted.status_code, granted.json()["generation"]) == (200, second["generation"])


@pytest.mark.parametrize("generation", [None, 0, -1, 1.5, "x", 2**63])
async def test_access_for_what_is_no_generation_is_refused_by_name(mongo: Mongo, generation: object) -> None:
    async with auth_over_http(mongo, FakeProviders().transport) as auth:
        integration = await connect(auth, ingram_body())
        answer = await request_access(auth, "vendor-sync", integration, generation=generation)

    assert (answer.status_code, [field["name"] for field in answer.json()["fields"]]) == (422, ["generation"])
