from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from pydantic import SecretStr
from writes import connected

from psa_sync.connectors import CONNECTORS, PsaConnections
from shared.errors import PermanentError
from shared.http_client.access import AccessClient
from shared.http_client.rate_limit import RateLimits, RateLimitSettings
from shared.runtime.settings import OutboundSettings, RedisSettings, ServiceAuthSettings
from shared.sync_engine.models import IntegrationState

AUTH = ServiceAuthSettings(url="http://127.0.0.1:1", service_token=SecretStr("token"))


@pytest.fixture
async def requests() -> list[httpx.Request]:
    return []


@pytest.fixture
async def connections(requests: list[httpx.Request]) -> AsyncIterator[PsaConnections]:
    access = AccessClient(AUTH, OutboundSettings(), transport=httpx.MockTransport(answering(requests)))
    rate_limits = RateLimits(RedisSettings(url=SecretStr("redis://127.0.0.1:1")), RateLimitSettings())
    yield PsaConnections(access, rate_limits, CONNECTORS)
    await access.aclose()
    await rate_limits.close()


def answering(requests: list[httpx.Request]) -> Callable[[httpx.Request], httpx.Response]:
    def grant(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        now = datetime.now(UTC)
        times = {"issued_at": now.isoformat(), "expires_at": (now + timedelta(minutes=5)).isoformat()}
        return httpx.Response(200, json={"base_url": "https://x", "headers": {}, "generation": 1} | times)

    return grant


async def test_users_at_the_same_time_share_one_client(connections: PsaConnections) -> None:
    integration = IntegrationState.connected(connected())

    async with connections.open(integration) as first, connections.open(integration) as second:
        assert first is second


async def test_users_of_two_generations_share_no_client(connections: PsaConnections) -> None:
    former, present = (IntegrationState.connected(connected(generation=generation)) for generation in (1, 2))

    async with connections.open(former) as first, connections.open(present) as second:
        assert first is not second


async def test_a_client_is_closed_when_its_last_user_leaves(connections: PsaConnections) -> None:
    integration = IntegrationState.connected(connected())

    async with connections.open(integration) as first:
        pass
    async with connections.open(integration) as second:
        assert first is not second


async def test_nothing_is_asked_of_auth_before_the_first_call(
    connections: PsaConnections, requests: list[httpx.Request]
) -> None:
    async with connections.open(IntegrationState.connected(connected())):
        assert requests == []


async def test_a_provider_without_a_connector_is_named(connections: PsaConnections) -> None:
    integration = IntegrationState.connected(connected()).model_copy(update={"provider": "abacus"})

    with pytest.raises(PermanentError, match="abacus"):
        async with connections.open(integration):
            pass
