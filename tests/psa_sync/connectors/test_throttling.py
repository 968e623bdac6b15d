"""A PSA that answers 429: every caller of the integration leaves it alone, in this process and in others."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI, Response
from http_server import serve
from pydantic import SecretStr
from redis.asyncio import Redis
from writes import connected

from psa_sync.connectors import CONNECTORS, PsaConnections
from psa_sync.psa import Agreement
from psa_sync.settings import Settings
from shared.http_client.access import AccessClient
from shared.http_client.rate_limit import RateLimits
from shared.runtime.settings import OutboundSettings, RedisSettings, ServiceAuthSettings
from shared.sync_engine.models import IntegrationState

PAUSE_SECONDS = 1
KEPT_LONGER_SECONDS = 1
"""By how much the bucket outlives its arrival time in Redis (shared.http_client.rate_limit)."""


class ThrottlingPsa:
    """Answers the first call with a 429, and notes when every call came, by the loop's clock.

    It answers no other before the pause that it asked for is noted in Redis, as whoever was quick to be
    answered could rightly have called again until then.
    """

    def __init__(self, redis: Redis, bucket: str) -> None:
        self.app = FastAPI()
        self.came: list[float] = []
        self.is_paused = False
        self._redis, self._bucket = redis, bucket
        self.app.get("/finance/agreements/{id_}/additions")(self._additions)

    async def _additions(self, id_: str) -> Response:  # noqa: ARG002 (any agreement)
        self.came.append(asyncio.get_running_loop().time())
        if len(self.came) == 1:
            return Response("{}", 429, {"Retry-After": str(PAUSE_SECONDS)}, "application/json")
        while not self.is_paused and not await self._notices_pause():
            await asyncio.sleep(0.01)
        return Response("[]", media_type="application/json")

    async def _notices_pause(self) -> bool:
        """Only a pause moves the bucket's arrival time further ahead than a burst and one call do."""
        budget = Settings.model_fields["budget"].default
        usual_seconds = budget.tolerance_seconds + budget.interval_seconds + KEPT_LONGER_SECONDS
        self.is_paused = await self._redis.pttl(self._bucket) > usual_seconds * 1000
        return self.is_paused


@asynccontextmanager
async def replica(origin: str, redis: RedisSettings) -> AsyncIterator[PsaConnections]:
    """The connections of one process of psa-sync to the PSA at this origin, with psa-sync's own limit."""

    def grant(_: httpx.Request) -> httpx.Response:
        now = datetime.now(UTC)
        times = {"issued_at": now.isoformat(), "expires_at": (now + timedelta(minutes=5)).isoformat()}
        return httpx.Response(200, json={"base_url": origin, "headers": {}, "generation": 1} | times)

    auth = ServiceAuthSettings(url="http://127.0.0.1:1", service_token=SecretStr("token"))
    outbound = OutboundSettings(allowed_origins=(origin,))
    access = AccessClient(auth, outbound, transport=httpx.MockTransport(grant))
    rate_limits = RateLimits(redis, Settings.model_fields["budget"].default)
    yield PsaConnections(access, rate_limits, CONNECTORS)
    await access.aclose()
    await rate_limits.close()


async def read_lines(connections: PsaConnections, integration: IntegrationState, calls: int) -> None:
    async with connections.open(integration) as psa:
        for number in range(calls):
            agreement = Agreement(str(number + 1), "Managed", "1", cancelled=False)
            assert [line async for line in psa.lines(agreement)] == []


@pytest.mark.parametrize("processes", [1, 2])
async def test_nobody_calls_a_psa_within_the_pause_that_it_asked_for(
    redis_settings: RedisSettings, processes: int
) -> None:
    integration = IntegrationState.connected(connected()).model_copy(
        update={"integration_id": f"int_{uuid4().hex}"}
    )
    redis = Redis.from_url(redis_settings.url.get_secret_value())
    psa = ThrottlingPsa(redis, f"budget:{integration.integration_id}")

    async with redis, serve(psa.app) as origin, asyncio.TaskGroup() as callers:
        for _ in range(processes):
            callers.create_task(_call_from(origin, redis_settings, integration))

    # Four callers of each process were on their way when the first of them was refused.
    within = [moment for moment in psa.came[1:] if moment < psa.came[0] + PAUSE_SECONDS]
    assert len(within) < 4 * processes
    assert len(psa.came) == processes * 4 * 5 + 1


async def _call_from(origin: str, redis: RedisSettings, integration: IntegrationState) -> None:
    async with replica(origin, redis) as connections, asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(read_lines(connections, integration, calls=5))


def test_the_usual_pace_stays_under_six_hundred_calls_in_any_minute() -> None:
    budget = Settings.model_fields["budget"].default

    assert budget.burst + budget.per_minute < 600
