"""Auth on a real store, without Kafka and without the internet."""

import base64
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from pydantic import SecretStr

from auth.app import make_app
from auth.credentials.sealing import Keyring, Sealer
from auth.integrations.repository import IntegrationRepository
from auth.people.models import Member, Tenant
from auth.people.tokens import TokenSigner
from auth.settings import Settings
from shared.contracts import Message
from shared.kafka import make_broker
from shared.mongo import Mongo
from shared.outbox import Outbox
from shared.runtime.settings import KafkaSettings, MongoSettings, RedisSettings
from shared.web.person import Person, Role

KEY = base64.b64encode(b"k" * 32).decode()
PASSWORD = "canary admin password"
SERVICE_TOKENS = {"vendor-sync": "canary-token-of-vendor-sync", "psa-sync": "canary-token-of-psa-sync"}


class PeopleInMemory:
    """Tenants and people, kept in a dictionary."""

    def __init__(self) -> None:
        self._tenants: dict[str, Tenant] = {}
        self._members: dict[tuple[str, str], Member] = {}

    async def save_tenants(self, tenants: Sequence[Tenant]) -> None:
        self._tenants |= {tenant.id: tenant for tenant in tenants}

    async def save(self, member: Member) -> None:
        self._members[member.tenant_id, member.email] = member

    async def find(self, email: str, tenant_id: str | None) -> Sequence[Member]:
        members = [member for _, member in sorted(self._members.items())]
        return [
            member for member in members if member.email == email and tenant_id in {None, member.tenant_id}
        ]


def auth_settings(mongo: MongoSettings | None = None, **changed: Any) -> Settings:
    """Settings as the environment would give them, with the named ones changed."""
    values: dict[str, Any] = {
        "kafka": KafkaSettings(servers="127.0.0.1:9"),
        "redis": RedisSettings(url=SecretStr("redis://127.0.0.1:9")),
        "mongo": (
            mongo or MongoSettings(url=SecretStr("mongodb://127.0.0.1:9"), database="auth")
        ).model_dump(),
        "tenants": [{"id": "demo", "name": "Demo MSP"}, {"id": "other", "name": "Other MSP"}],
        "admin": {"tenant_id": "demo", "email": "Admin@demo.example", "password": PASSWORD},
        "service_tokens": SERVICE_TOKENS,
        "signing_key": KEY,
        "sealing": {"keys": {"k1": KEY}, "current": "k1"},
    }
    return Settings(**(values | changed))


def a_repository(mongo: Mongo, **keys: bytes) -> IntegrationRepository:
    """The real repository; the last of the sealing keys is the current one."""
    keys = keys or {"k1": b"k" * 32}
    return IntegrationRepository(mongo, Outbox(mongo, "auth"), Sealer(Keyring(keys, list(keys)[-1])))


async def outbox_messages(mongo: Mongo, kind: type[Message]) -> list[Any]:
    """The messages of one kind that wait in the outbox, oldest first."""
    rows = await mongo.all_tenants("outbox").find({"topic": kind.topic}, sort=[("seq", 1)])
    return [kind.model_validate_json(bytes(row["body"])) for row in rows]


@asynccontextmanager
async def auth_over_http(
    mongo: Mongo, transport: httpx.AsyncBaseTransport, **changed: Any
) -> AsyncIterator[httpx.AsyncClient]:
    """Auth's whole HTTP side on a real store; neither Kafka nor jobs are started."""
    settings = auth_settings(**changed)
    app = make_app(settings, mongo, make_broker(settings.kafka, "auth"), transport=transport)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://auth") as client:
        yield client


def person_headers(role: Role, tenant_id: str = "demo") -> dict[str, str]:
    """The headers of somebody who signed in."""
    person = Person(tenant_id, "per_1", "Ann", role)
    issued = TokenSigner(KEY, "trueup", timedelta(hours=1)).sign(person, datetime.now(UTC))
    return {"Authorization": f"Bearer {issued.token}"}


def service_headers(name: str) -> dict[str, str]:
    """The headers of a sync service."""
    return {"Authorization": f"Bearer {SERVICE_TOKENS[name]}"}


async def connect(auth: httpx.AsyncClient, body: dict[str, Any]) -> dict[str, Any]:
    """Connects a provider as an admin; returns the integration as auth answers it."""
    answer = await auth.post("/integrations", json=body, headers=person_headers(Role.ADMIN))
    assert answer.status_code == 201, answer.text
    integration: dict[str, Any] = answer.json()
    return integration


async def request_access(
    auth: httpx.AsyncClient, service: str, integration: dict[str, Any], **more: Any
) -> httpx.Response:
    """Asks for access to the integration as a sync service does, for the generation that it was given."""
    asked = {"integration_id": integration["integration_id"], "generation": integration["generation"]}
    body = {"tenant_id": "demo", **asked, **more}
    return await auth.post("/internal/access", json=body, headers=service_headers(service))
