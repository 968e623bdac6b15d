"""Kafka, MongoDB and Redis in the images of docker-compose.yml, for live tests where a Docker engine answers.

Each listens on the same port inside and outside: Kafka and a replica set tell clients where they are.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress

from compose_file import environment_of, image_of
from testcontainers.core.container import DockerContainer

from shared.runtime.settings import KafkaSettings
from standalone.child_process import Probe
from standalone.port_claims import claim_free_port
from standalone.probes import documents_ready, kafka_ready, valkey_ready
from standalone.services import Servers

KAFKA, MONGO, REDIS = image_of("kafka"), image_of("mongo"), image_of("redis")

_TIMEOUT_SECONDS = 120.0


@asynccontextmanager
async def in_containers() -> AsyncIterator[Servers]:
    """Three fresh servers; raises Docker's own error where no engine answers."""
    kafka_port, mongo_port, redis_port = claim_free_port(), claim_free_port(), claim_free_port()
    mongo_url = f"mongodb://127.0.0.1:{mongo_port}/?replicaSet=rs0"
    kafka = KafkaSettings(servers=f"127.0.0.1:{kafka_port}")
    with ExitStack() as running:
        running.enter_context(_kafka(kafka_port))
        mongo = running.enter_context(_mongo(mongo_port))
        running.enter_context(_redis(redis_port))
        await _until(lambda: _has_primary(mongo, mongo_port))
        await _until(documents_ready(mongo_url, mongo_port))
        await _until(kafka_ready(kafka))
        await _until(valkey_ready(redis_port))
        yield Servers(kafka, mongo_url, f"redis://127.0.0.1:{redis_port}/0")


def kafka_environment(port: int) -> dict[str, str]:
    """Return compose's settings of Kafka, with this port of this machine as its address."""
    return environment_of("kafka") | {
        "KAFKA_LISTENERS": f"BROKER://:{port},CONTROLLER://:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"BROKER://127.0.0.1:{port}",
    }


def _kafka(port: int) -> DockerContainer:
    return DockerContainer(KAFKA).with_envs(**kafka_environment(port)).with_bind_ports(port, port)


def _mongo(port: int) -> DockerContainer:
    command = ["mongod", "--replSet", "rs0", "--bind_ip_all", "--port", str(port)]
    command += ["--setParameter", "transactionLifetimeLimitSeconds=20"]  # as docker-compose.yml has it
    return DockerContainer(MONGO).with_command(command).with_bind_ports(port, port)


def _redis(port: int) -> DockerContainer:
    command = ["redis-server", "--port", str(port), "--save", "", "--appendonly", "no"]
    return DockerContainer(REDIS).with_command(command).with_bind_ports(port, port)


async def _has_primary(mongo: DockerContainer, port: int) -> bool:
    """Make the one node a replica set; asked again, MongoDB says that it is one already."""
    member = f"{{_id: 0, host: '127.0.0.1:{port}'}}"
    script = f"try {{ rs.initiate({{_id: 'rs0', members: [{member}]}}) }} catch (e) {{}}; rs.status().ok"
    done = await asyncio.to_thread(mongo.exec, ["mongosh", "--port", str(port), "--quiet", "--eval", script])
    return done.exit_code == 0


async def _until(ready: Probe) -> None:
    async with asyncio.timeout(_TIMEOUT_SECONDS):
        while not await _answered(ready):
            await asyncio.sleep(0.2)


async def _answered(ready: Probe) -> bool:
    with suppress(OSError, EOFError):
        return await ready()
    return False
