"""Matcher's HTTP side on a real store, fed through its use cases."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import FastAPI
from matcher_world import MatcherWorld, mongo_world
from news_reader import no_news
from people import a_verifier, signed_in

from matcher.app import SERVICE, make_app
from shared.kafka import make_broker
from shared.mongo import Mongo
from shared.runtime.settings import KafkaSettings
from shared.web.person import Role


@dataclass
class MatcherClient:
    """What a person does over HTTP, and what happens to matcher meanwhile."""

    http: httpx.AsyncClient
    world: MatcherWorld

    async def get(self, path: str, tenant_id: str = "demo", **params: Any) -> dict[str, Any]:
        answer = await self.http.get(path, params=params, headers=signed_in(Role.VIEWER, tenant_id))
        body: dict[str, Any] = answer.raise_for_status().json()
        return body

    async def send(
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
        return await self.http.request(method, path, json=body, headers=headers)


def matcher_app(mongo: Mongo) -> FastAPI:
    """The application, connected to no Kafka; without its lifespan it consumes nothing and runs no job."""
    broker = make_broker(KafkaSettings(servers="127.0.0.1:1"), SERVICE)
    return make_app(mongo, broker, a_verifier(), no_news())


@asynccontextmanager
async def matcher_over_http(mongo: Mongo) -> AsyncIterator[MatcherClient]:
    """Yields a client; the world decides when something is received and matched."""
    transport = httpx.ASGITransport(matcher_app(mongo))
    async with httpx.AsyncClient(transport=transport, base_url="http://matcher") as http:
        yield MatcherClient(http, mongo_world(mongo))
