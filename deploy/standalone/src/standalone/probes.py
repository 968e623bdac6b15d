"""Asks each kind of server whether it does its job: in its own protocol, not by an open port."""

import asyncio
from functools import partial

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError
from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

from shared.kafka import client_options
from shared.runtime.settings import KafkaSettings
from standalone.child_process import Probe

HOST = "127.0.0.1"


def http_ready(port: int, path: str = "/health/ready") -> Probe:
    """Ready when a GET is answered with 200."""
    request = f"GET {path} HTTP/1.0\r\nHost: {HOST}:{port}\r\n\r\n"
    return partial(_replies_with, port, request.encode(), b"HTTP/1.1 200")


def valkey_ready(port: int, password: str = "") -> Probe:
    """Ready when PING is answered with PONG, which Valkey does not do while it loads its data."""
    request, reply = b"PING\r\n", b"+PONG"
    if password:
        request, reply = f"AUTH {password}\r\n".encode() + request, b"+OK\r\n" + reply
    return partial(_replies_with, port, request, reply)


def kafka_ready(settings: KafkaSettings) -> Probe:
    """Ready when the metadata names a broker: before that no topic can be created."""
    return partial(_kafka_ready, settings)


def documents_ready(url: str, port: int) -> Probe:
    """Ready when a ping through the replica set's name is answered, as the services will connect."""
    return partial(_documents_ready, url, port)


async def _replies_with(port: int, request: bytes, reply: bytes) -> bool:
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        writer.write(request)
        return await reader.readexactly(len(reply)) == reply
    finally:
        writer.close()


async def _kafka_ready(settings: KafkaSettings) -> bool:
    # Without it the client logs every refused connection.
    await _connect(int(settings.servers.rpartition(":")[2]))
    client = AIOKafkaClient(**client_options(settings), request_timeout_ms=1000)
    try:
        await client.bootstrap()
        return bool(client.cluster.brokers())
    except KafkaError:
        return False
    finally:
        await client.close()


async def _documents_ready(url: str, port: int) -> bool:
    await _connect(port)
    client: AsyncMongoClient[dict[str, object]] = AsyncMongoClient(url, serverSelectionTimeoutMS=1000)
    try:
        await client.admin.command("ping")
    except PyMongoError:
        return False
    finally:
        # A probe whose time is over is cancelled; closing what it has opened must not be.
        await asyncio.shield(client.close())
    return True


async def _connect(port: int) -> None:
    _, writer = await asyncio.open_connection(HOST, port)
    writer.close()
