"""Nobody gets into a running system's servers without its passwords, and nobody can look them up."""

import asyncio
import os
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from stat import S_IMODE

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from processes import command_of, family
from pymongo import AsyncMongoClient
from pymongo.errors import OperationFailure
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError

from shared.kafka import client_options
from shared.runtime.settings import KafkaSettings
from standalone.services import TOPICS
from standalone.system import SERVERS, System

pytestmark = pytest.mark.live

WRONG = "wrong-password"

# CreateTopics, version 2: header (key, version, number, no client id), no topics, 1000 ms, not only to check.
_REQUEST = struct.pack(">hhihiib", 19, 2, 1, -1, 0, 1000, 0)
CREATE_NO_TOPICS = struct.pack(">i", len(_REQUEST)) + _REQUEST
"""A request that Kafka's controller, which aiokafka does not speak to, answers whoever may change topics."""


@pytest.fixture(scope="module")
async def system(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[System]:
    before = os.umask(0)  # of a user who lets everybody do everything
    place = tmp_path_factory.mktemp("passwords")
    async with System(data_dir=place, only=(*SERVERS, TOPICS)) as running:
        yield running
    os.umask(before)


async def topics_seen(settings: KafkaSettings) -> list[str]:
    admin = AIOKafkaAdminClient(**client_options(settings), request_timeout_ms=3000)
    try:
        await admin.start()
        return list(await admin.list_topics())
    finally:
        await admin.close()


async def test_kafka_lets_in_who_knows_the_password(system: System) -> None:
    assert len(await topics_seen(system.servers.kafka)) > 1


@pytest.mark.parametrize("password", [None, WRONG], ids=["no password", "a wrong one"])
async def test_kafka_refuses_who_does_not(system: System, password: str | None) -> None:
    sign_in = {"username": "trueup", "password": password, "mechanism": "PLAIN"} if password else {}

    with pytest.raises(KafkaError):
        await topics_seen(KafkaSettings.model_validate({"servers": system.servers.kafka.servers, **sign_in}))


@pytest.mark.parametrize("port", ["kafka", "kafka-controller"])
async def test_kafka_hangs_up_on_a_request_without_a_sign_in(system: System, port: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", system.context.ports[port])

    writer.write(CREATE_NO_TOPICS)

    async with asyncio.timeout(60):
        assert await reader.read() == b""
    writer.close()


async def test_valkey_lets_in_who_knows_the_password(system: System) -> None:
    async with Redis.from_url(system.servers.redis_url) as client:
        assert await client.ping()


@pytest.mark.parametrize("password", [None, WRONG], ids=["no password", "a wrong one"])
async def test_valkey_refuses_who_does_not(system: System, password: str | None) -> None:
    async with Redis(port=system.context.ports["valkey"], password=password) as client:
        with pytest.raises(AuthenticationError):
            await client.set("status:demo", "forged")


async def test_the_document_store_lets_in_who_knows_the_password(system: System) -> None:
    async with AsyncMongoClient[dict[str, object]](system.servers.mongo_url) as client:
        await client.shop.things.insert_one({"_id": 1})

        assert await client.shop.things.count_documents({}) == 1


@pytest.mark.parametrize("sign_in", ["", f"trueup:{WRONG}@"], ids=["no password", "a wrong one"])
async def test_the_document_store_refuses_who_does_not(system: System, sign_in: str) -> None:
    url = f"mongodb://{sign_in}127.0.0.1:{system.context.ports['secantusdb']}/?replicaSet=secantus"

    async with AsyncMongoClient[dict[str, object]](url) as client:
        for attempt in (client.auth.people.find_one(), client.auth.people.insert_one({"_id": 1})):
            with pytest.raises(OperationFailure):
                await attempt


async def test_the_services_user_of_the_document_store_cannot_make_others(system: System) -> None:
    async with AsyncMongoClient[dict[str, object]](system.servers.mongo_url) as client:
        with pytest.raises(OperationFailure, match="not authorized"):
            await client.admin.command("createUser", "other", pwd=WRONG, roles=["readWriteAnyDatabase"])


def test_no_password_is_on_a_command_line_or_in_a_log(system: System) -> None:
    commands = "".join(command_of(pid) for pid in family(os.getpid()))
    logs = "".join(log.read_text("utf-8", "replace") for log in (system.data_dir / "logs").iterdir())

    for password in system.credentials.server_passwords.values():
        assert password not in commands
        assert password not in logs


def test_no_other_user_can_read_anything_in_the_data_directory(system: System) -> None:
    paths = [system.data_dir, *system.data_dir.rglob("*")]

    open_paths = [path for path in paths if S_IMODE(path.stat().st_mode) & 0o077]

    assert open_paths == []


async def test_a_second_start_asks_for_the_passwords_of_the_first(tmp_path: Path) -> None:
    passwords = []
    for _ in range(2):
        async with System(data_dir=tmp_path, only=("valkey", "secantusdb")) as system:
            passwords.append(system.credentials.server_passwords)
            async with AsyncMongoClient[dict[str, object]](system.servers.mongo_url) as client:
                await client.shop.visits.insert_one({})
                visits = await client.shop.visits.count_documents({})

    assert passwords[0] == passwords[1]
    assert visits == 2


def test_the_servers_addresses_do_not_show_their_passwords(system: System) -> None:
    for password in system.credentials.server_passwords.values():
        assert password not in f"{system!r} {system.servers!r} {system.context!r}"
