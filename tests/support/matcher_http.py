"""Matcher's HTTP side on a real store, fed through its verbs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from matcher_world import World, mongo_world
from people import a_verifier, signed_in

from matcher.app import SERVICE, make_app
from shared.kafka import make_broker
from shared.mongo import Mongo
from shared.runtime.settings import KafkaSettings
from shared.web.person import Role


@dataclass
class Matcher:
    """What a person does over HTTP, and what matcher hears meanwhile."""

    client: httpx.AsyncClient
    world: World

    async def reads(self, path: str, tenant_id: str = "demo", **asked: Any) -> dict[str, Any]:
        answer = await self.client.get(path, params=asked, headers=signed_in(Role.VIEWER, tenant_id))
        found: dict[str, Any] = answer.raise_for_status().json()
        return found

    async def sends(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        role: Role = Role.MAPPER,
        tenant_id: str = "demo",
        key: str | None = None,
    ) -> httpx.Response:
        headers = signed_in(role, tenant_id) | ({"Idempotency-Key": key} if key else {})
        return await self.client.request(method, path, json=body, headers=headers)


@asynccontextmanager
async def matcher_over_http(mongo: Mongo) -> AsyncIterator[Matcher]:
    """No consuming and no jobs: the world says when something is heard and matched."""
    app = make_app(mongo, make_broker(KafkaSettings(servers="127.0.0.1:1"), SERVICE), a_verifier())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://matcher") as client:
        yield Matcher(client, mongo_world(mongo))
