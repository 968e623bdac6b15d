"""The topics, the sandbox and the six services: which processes they are and what they are told."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from standalone.child_process import ChildProcess
from standalone.credentials import Credentials
from standalone.probes import HOST, http_ready

SERVICES = ("auth", "vendor-sync", "psa-sync", "matcher", "billing", "console")
SANDBOX = "sandbox"
TOPICS = "topics"

Env = dict[str, str]

_WITH_REDIS = ("vendor-sync", "psa-sync", "billing", "console")
_OUTWARD = ("auth", "vendor-sync", "psa-sync")
_ISSUED = ("auth", "matcher", "billing", "console")


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the three servers are, whoever started them."""

    kafka: str
    mongo_url: str
    redis_url: str


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every service has to know of the system around it."""

    servers: Servers
    credentials: Credentials
    ports: Mapping[str, int]
    seed: int

    def url(self, name: str) -> str:
        return f"http://{HOST}:{self.ports[name]}"


def environment(name: str, around: Surroundings) -> Env:
    """The settings of one service; each gets what it uses and no more."""
    env = {"HTTP__HOST": HOST, "HTTP__PORT": str(around.ports[name])}
    env |= _stores(name, around.servers) | _trust(name, around)
    match name:
        case "auth":
            env |= _tenants(around.credentials) | _auth(around.credentials)
        case "vendor-sync":  # the sandbox has no such limit as the vendor
            env |= {"BUDGET__PER_MINUTE": "6000", "BUDGET__BURST": "200"}
        case "billing":
            env |= _tenants(around.credentials)
        case "console":
            env |= {"MATCHER__URL": around.url("matcher"), "BILLING__URL": around.url("billing")}
    return env


def service(name: str, env: Env, logs: Path, *, after: tuple[str, ...]) -> ChildProcess:
    """A service is ready when it says so itself: its stores answer and it consumes."""
    return ChildProcess(
        name=name,
        command=[sys.executable, "-m", name.replace("-", "_")],
        env=env,
        log_path=logs / f"{name}.log",
        address=f"http://{HOST}:{env['HTTP__PORT']}",
        probe=http_ready(int(env["HTTP__PORT"])),
        after=after,
    )


def sandbox(around: Surroundings, env: Env, logs: Path) -> ChildProcess:
    """The simulated vendors, one port for all of them."""
    port = around.ports[SANDBOX]
    return ChildProcess(
        name=SANDBOX,
        command=[sys.executable, "-m", "sandbox"],
        env={"SANDBOX__PORT": str(port), "SANDBOX__SEED": str(around.seed)} | env,
        log_path=logs / "sandbox.log",
        address=around.url(SANDBOX),
        probe=http_ready(port),
    )


def topics(servers: Servers, logs: Path, *, after: tuple[str, ...]) -> ChildProcess:
    """The step that creates what is missing."""
    return ChildProcess(
        name=TOPICS,
        command=[sys.executable, "-m", "shared.kafka.topics"],
        env={"KAFKA__SERVERS": servers.kafka},
        log_path=logs / "topics.log",
        after=after,
    )


def _stores(name: str, servers: Servers) -> Env:
    env = {} if name == "console" else {"KAFKA__SERVERS": servers.kafka, "MONGO__URL": servers.mongo_url}
    return env | ({"REDIS__URL": servers.redis_url} if name in _WITH_REDIS else {})


def _trust(name: str, around: Surroundings) -> Env:
    """Whom it believes and how it proves itself."""
    env = {} if name == "auth" else {"AUTH__URL": around.url("auth")}
    if name in _ISSUED:
        env["AUTH__ISSUER"] = "trueup"
    if name in _OUTWARD:
        env["OUTBOUND__ALLOWED_ORIGINS"] = json.dumps([around.url(SANDBOX)])
    if token := around.credentials.service_tokens.get(name):
        env["AUTH__SERVICE_TOKEN"] = token
    return env


def _tenants(credentials: Credentials) -> Env:
    demo = {"id": credentials.tenant_id, "name": "Demo MSP", "currency": "USD", "time_zone": "UTC"}
    return {"TENANTS": json.dumps([demo])}


def _auth(credentials: Credentials) -> Env:
    return {
        "ADMIN__TENANT_ID": credentials.tenant_id,
        "ADMIN__EMAIL": credentials.admin_email,
        "ADMIN__PASSWORD": credentials.admin_password,
        "SERVICE_TOKENS": json.dumps(credentials.service_tokens),
        "SIGNING_KEY": credentials.signing_key,
        "SEALING__KEYS": json.dumps(credentials.sealing_keys),
        "SEALING__CURRENT": credentials.sealing_current,
    }
