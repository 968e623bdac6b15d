"""Access is of one generation: what auth refuses or grants for another one is never used."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from http_fakes import HASTY, Provider, an_api

from shared.errors import ConnectedAnew, UnexpectedResponse
from shared.http_client.access import IntegrationAccess

NOW = datetime.now(UTC)
GRANT_OF_TWO = {
    "base_url": "https://api.example/v1",
    "headers": {"Authorization": "Bearer canary"},
    "generation": 2,
    "issued_at": NOW.isoformat(),
    "expires_at": (NOW + timedelta(hours=1)).isoformat(),
}


async def call_for_generation_one(auth: Provider, provider: Provider) -> None:
    async with an_api(auth, source="https://auth.example") as inner:
        source = IntegrationAccess(inner, "demo", "int_1", 1)
        async with an_api(provider, source=source, policy=HASTY) as api:
            await api.get("/x")


async def test_who_works_for_a_former_generation_is_told_so_once_and_blames_no_credentials() -> None:
    refusal = {"detail": "connected anew", "reason": "other-generation"}
    auth, provider = Provider(httpx.Response(409, json=refusal)), Provider(httpx.Response(200, json={}))

    with pytest.raises(ConnectedAnew, match="connected anew"):
        await call_for_generation_one(auth, provider)

    assert (len(auth.requests), provider.requests) == (1, [])


async def test_access_that_is_granted_for_another_generation_is_not_used() -> None:
    auth, provider = Provider(httpx.Response(200, json=GRANT_OF_TWO)), Provider(httpx.Response(200, json={}))

    with pytest.raises(UnexpectedResponse, match="another generation"):
        await call_for_generation_one(auth, provider)

    assert provider.requests == []
