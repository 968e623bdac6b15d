"""All services in one process: in-memory Kafka between them, a real document store and a real Valkey."""

import base64
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any
from uuid import uuid4

from fastapi import FastAPI
from faststream.kafka import KafkaBroker, TestKafkaBroker
from http_server import serve
from run_env import unfenced

import auth.app
import auth.settings
import billing.app
import billing.settings
import console.app
import console.settings
import matcher.app
import matcher.settings
import psa_sync.app
import psa_sync.settings
import sandbox.app
import sandbox.settings
import vendor_sync.app
import vendor_sync.settings
from shared.kafka import Publisher
from standalone.port_claims import claim_free_port

PASSWORD = secrets.token_urlsafe(12)
EMAIL = "admin@demo.test"

_TOKENS = {name: secrets.token_urlsafe(24) for name in ("vendor-sync", "psa-sync")}
_TENANT = {"id": "demo", "name": "Demo MSP", "currency": "USD", "time_zone": "UTC"}
_NAMES = ("auth", "vendor-sync", "psa-sync", "matcher", "billing", "console", "sandbox")

Apps = Mapping[str, FastAPI]


@asynccontextmanager
async def whole_system(mongo_url: str, redis_url: str, seed: int) -> AsyncIterator[dict[str, str]]:
    """Everything up, as one process; yields the services' addresses."""
    ports = {name: claim_free_port() for name in _NAMES}
    apps = _apps(ports, mongo_url, redis_url)
    providers = sandbox.settings.Settings(port=ports["sandbox"], seed=seed)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(serve(sandbox.app.create_app(providers), ports["sandbox"]))
        await stack.enter_async_context(TestKafkaBroker(*_brokers(apps).values()))
        for name, app in apps.items():
            await stack.enter_async_context(serve(app, ports[name]))
        yield _urls(ports)


@cache
def brokers() -> dict[str, KafkaBroker]:
    """The broker of every service that consumes, with its subscribers declared, connected to nothing."""
    nowhere = dict.fromkeys(_NAMES, 1)
    return _brokers(_apps(nowhere, "mongodb://127.0.0.1:1", "redis://127.0.0.1:1"))


def subscribers(service: str) -> list[Any]:
    """Returns a service's subscribers, by topic (a broker keeps no order); their type is not public."""
    return sorted(brokers()[service].subscribers, key=lambda subscriber: subscriber.topic_names)


def _brokers(apps: Apps) -> dict[str, KafkaBroker]:
    return {name: app.state.broker for name, app in apps.items() if name != "console"}


def _apps(ports: Mapping[str, int], mongo_url: str, redis_url: str) -> dict[str, FastAPI]:
    run, urls = uuid4().hex[:8], _urls(ports)

    def make(module: Any, settings: Callable[..., Any], name: str, **more: Any) -> FastAPI:
        common = {
            "kafka": {"servers": "127.0.0.1:1"},
            "mongo": {"url": mongo_url, "database": f"{name}_{run}"},
            "redis": {"url": redis_url},
            "auth": {"url": urls["auth"], "service_token": _TOKENS.get(name, "")},
            "outbound": {"allowed_origins": (urls["sandbox"],)},
        }
        given = settings(**common | more)
        app: FastAPI = _unfenced(module, given, name) if name.endswith("-sync") else module.create_app(given)
        return app

    plenty = {"per_minute": 6000, "burst": 200}
    return {
        "auth": make(auth.app, auth.settings.Settings, "auth", **_secrets()),
        "vendor-sync": make(
            vendor_sync.app,
            vendor_sync.settings.Settings,
            "vendor-sync",
            budget=plenty,
            renewals_listed_within=timedelta(0),  # the sandbox lists at once
        ),
        "psa-sync": make(psa_sync.app, psa_sync.settings.Settings, "psa-sync", budget=plenty),
        "matcher": make(matcher.app, matcher.settings.Settings, "matcher"),
        "billing": make(billing.app, billing.settings.Settings, "billing", tenants=[_TENANT]),
        "console": make(console.app, console.settings.Settings, "console"),
    }


def _unfenced(module: Any, settings: Any, name: str) -> Any:
    """Makes a sync service whose runs publish through its in-memory broker."""
    dependencies = module.dependencies_of(settings)
    lists = {"renewals_listed_within": settings.renewals_listed_within} if name == "vendor-sync" else {}
    return module.make_app(
        replace(dependencies, open_publisher=unfenced(Publisher(dependencies.broker, name))), **lists
    )


def _secrets() -> dict[str, Any]:
    def key() -> str:
        return base64.b64encode(secrets.token_bytes(32)).decode()

    return {
        "auth": {"issuer": "trueup"},
        "tenants": [_TENANT],
        "admin": {"tenant_id": "demo", "email": EMAIL, "password": PASSWORD},
        "service_tokens": _TOKENS,
        "signing_key": key(),
        "sealing": {"keys": {"k1": key()}, "current": "k1"},
    }


def _urls(ports: Mapping[str, int]) -> dict[str, str]:
    return {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}


def consuming_brokers(mongo_url: str) -> dict[str, KafkaBroker]:
    """The broker of every service, whose handlers store in fresh databases, where no job works."""
    return _brokers(_apps(dict.fromkeys(_NAMES, 1), mongo_url, "redis://127.0.0.1:1"))
