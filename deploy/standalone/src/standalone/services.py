"""Declares the topics step, the sandbox and the six services as processes, each with its settings."""

# Least privilege: only auth gets the signing and sealing keys, only the two sync services get a token of
# their own, and the console gets neither Kafka nor the document store.

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from shared.runtime.settings import KafkaSettings
from standalone.child_process import ChildProcess
from standalone.credentials import Credentials
from standalone.probes import HOST, http_ready

SERVICES = ("auth", "vendor-sync", "psa-sync", "matcher", "billing", "console")
SANDBOX = "sandbox"
TOPICS = "topics"

Environment = dict[str, str]

_USE_REDIS = ("auth", "vendor-sync", "psa-sync", "matcher", "billing", "console")
_CALL_PROVIDERS = ("auth", "vendor-sync", "psa-sync")
_VERIFY_TOKENS = ("auth", "matcher", "billing", "console")


@dataclass(frozen=True, slots=True)
class Servers:
    """How clients reach the three servers, whoever started them; URLs hold passwords."""

    kafka: KafkaSettings
    mongo_url: str = field(repr=False)
    redis_url: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SystemContext:
    """What the settings of services are made from: servers, credentials, ports and the seed."""

    servers: Servers
    credentials: Credentials
    ports: Mapping[str, int]
    seed: int

    def url(self, name: str) -> str:
        return f"http://{HOST}:{self.ports[name]}"


def service_environment(name: str, context: SystemContext) -> Environment:
    """Return the settings of one service: what it uses and no more."""
    env = {"HTTP__HOST": HOST, "HTTP__PORT": str(context.ports[name])}
    if name != "console":
        env |= _kafka(context.servers.kafka) | {"MONGO__URL": context.servers.mongo_url}
    if name in _USE_REDIS:
        env["REDIS__URL"] = context.servers.redis_url
    env |= _authentication(name, context)
    match name:
        case "auth":
            env |= _tenants(context.credentials) | _auth(context.credentials)
        case (
            "vendor-sync" | "psa-sync"
        ):  # the sandbox has no limits such as the providers' own, and lists at once
            env |= {"BUDGET__PER_MINUTE": "6000", "BUDGET__BURST": "200"}
            env |= {"RENEWALS_LISTED_WITHIN": "PT0S"} if name == "vendor-sync" else {}
        case "billing":
            env |= _tenants(context.credentials)
    return env


def service_process(name: str, env: Environment, logs: Path, *, after: tuple[str, ...]) -> ChildProcess:
    """Return a service's process, which is ready when its own health check says so."""
    return ChildProcess(
        name=name,
        command=[sys.executable, "-m", name.replace("-", "_")],
        env=env,
        log_path=logs / f"{name}.log",
        address=f"http://{HOST}:{env['HTTP__PORT']}",
        probe=http_ready(int(env["HTTP__PORT"])),
        after=after,
    )


def sandbox_process(context: SystemContext, env: Environment, logs: Path) -> ChildProcess:
    """Return the sandbox's process: all simulated providers on one port."""
    port = context.ports[SANDBOX]
    return ChildProcess(
        name=SANDBOX,
        command=[sys.executable, "-m", "sandbox"],
        env={"SANDBOX__PORT": str(port), "SANDBOX__SEED": str(context.seed)} | env,
        log_path=logs / "sandbox.log",
        address=context.url(SANDBOX),
        probe=http_ready(port),
    )


def topics_step(servers: Servers, logs: Path, *, after: tuple[str, ...]) -> ChildProcess:
    """Return the step that creates the topics that are missing."""
    return ChildProcess(
        name=TOPICS,
        command=[sys.executable, "-m", "shared.kafka.topics"],
        env=_kafka(servers.kafka),
        log_path=logs / "topics.log",
        after=after,
    )


def _kafka(settings: KafkaSettings) -> Environment:
    """Return what makes a process's own `KafkaSettings` equal to these."""
    env = {"KAFKA__SERVERS": settings.servers, "KAFKA__TLS": str(settings.tls).lower()}
    if settings.password:
        env["KAFKA__USERNAME"], env["KAFKA__MECHANISM"] = settings.username, settings.mechanism
        env["KAFKA__PASSWORD"] = settings.password.get_secret_value()
    return env


def _authentication(name: str, context: SystemContext) -> Environment:
    """Return whose tokens the service accepts, its own token, and the addresses that it may call."""
    env = {} if name == "auth" else {"AUTH__URL": context.url("auth")}
    if name in _VERIFY_TOKENS:
        env["AUTH__ISSUER"] = "trueup"
    if name in _CALL_PROVIDERS:
        env["OUTBOUND__ALLOWED_ORIGINS"] = json.dumps([context.url(SANDBOX)])
    if token := context.credentials.service_tokens.get(name):
        env["AUTH__SERVICE_TOKEN"] = token
    return env


def _tenants(credentials: Credentials) -> Environment:
    demo = {"id": credentials.tenant_id, "name": "Demo MSP", "currency": "USD", "time_zone": "UTC"}
    return {"TENANTS": json.dumps([demo])}


def _auth(credentials: Credentials) -> Environment:
    return {
        "ADMIN__TENANT_ID": credentials.tenant_id,
        "ADMIN__EMAIL": credentials.admin_email,
        "ADMIN__PASSWORD": credentials.admin_password,
        "SERVICE_TOKENS": json.dumps(credentials.service_tokens),
        "SIGNING_KEY": credentials.signing_key,
        "SEALING__KEYS": json.dumps(credentials.sealing_keys),
        "SEALING__CURRENT": credentials.sealing_current,
    }
