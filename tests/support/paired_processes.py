"""Two processes of one service, one of which is paused for longer than its lease lasts."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from crashes import TAKEOVER
from pydantic import SecretStr
from reviewed_system import OBSERVED, Told

from shared.mongo import Mongo
from shared.runtime.settings import MongoSettings
from standalone.child_process import ChildProcess
from standalone.port_claims import free_port
from standalone.probes import http_ready

_PATIENCE = 120.0
_GLANCE = 0.02
_SERVICE = "vendor-sync"


@asynccontextmanager
async def twins(told: Told) -> AsyncIterator[list[ChildProcess]]:
    """vendor-sync twice, each with leases that run out soon; afterwards it runs once, as it did before."""
    part, port = told.system.parts[_SERVICE], free_port()
    before = part.env
    await part.stop()
    part.env = {**before, **TAKEOVER}
    twin = replace(
        part,
        name=f"{_SERVICE}-twin",
        env={**part.env, "HTTP__PORT": str(port)},
        log_path=part.log_path.with_name(f"{_SERVICE}-twin.log"),
        probe=http_ready(port),
    )
    try:
        await asyncio.gather(part.start(), twin.start())
        yield [part, twin]
    finally:
        await asyncio.gather(part.stop(), twin.stop())
        part.env = before
        await part.start()


@dataclass(frozen=True, slots=True)
class Books:
    """What vendor-sync has stored, read over its shoulder."""

    mongo: Mongo

    async def run(self, run_id: str) -> dict[str, Any]:
        return (await self.mongo.all_tenants("runs").get(run_id)) or {}

    async def dirty(self) -> dict[str, int]:
        """Revisions of what is published and not known to have arrived, by message key and topic."""
        marks = await self.mongo.all_tenants("dirty").find()
        marked = [id_ for mark in marks for id_ in mark["ids"]]
        rows = await self.mongo.all_tenants("observations").get_many(marked)
        return {id_: row["revision"] for id_, row in rows.items()}


@asynccontextmanager
async def books(told: Told) -> AsyncIterator[Books]:
    mongo = Mongo(MongoSettings(url=SecretStr(told.system.servers.mongo_url), database=_SERVICE))
    try:
        yield Books(mongo)
    finally:
        await mongo.close()


async def left_dirty(told: Told, kept: Books, worker: ChildProcess) -> dict[str, int]:
    """Pause the worker while Kafka owes it an answer; what it leaves dirty then."""
    kafka = told.system.parts["kafka"]
    kafka.signal(signal.SIGSTOP)
    try:
        async with asyncio.timeout(_PATIENCE):
            while not await kept.dirty():
                await asyncio.sleep(_GLANCE)
        worker.signal(signal.SIGSTOP)
    finally:
        kafka.signal(signal.SIGCONT)
    return await kept.dirty()


async def said_by(part: ChildProcess, *words: str) -> None:
    """Until a line of its log holds all of these."""
    async with asyncio.timeout(_PATIENCE):
        while not any(all(word in line for word in words) for line in _lines(part)):
            await asyncio.sleep(_GLANCE)


def has_taken_up(part: ChildProcess, run_id: str) -> bool:
    return any("run_taken_up" in line and run_id in line for line in _lines(part))


async def said_since(told: Told, start: dict[TopicPartition, int]) -> dict[str, int]:
    """Every observation published after these places: revisions as `Books.dirty` has them."""
    found: dict[str, int] = {}
    consumer = AIOKafkaConsumer(bootstrap_servers=told.system.servers.kafka)
    await consumer.start()
    try:
        consumer.assign(list(start))
        ends = await consumer.end_offsets(list(start))
        for place, offset in start.items():
            consumer.seek(place, offset)
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for place, records in (await consumer.getmany(timeout_ms=200)).items():
                for record in records:
                    found[f"{place.topic}#{record.key.decode()}"] = json.loads(record.value)["revision"]
    finally:
        await consumer.stop()
    return found


async def places(told: Told) -> dict[TopicPartition, int]:
    """Where each partition of what is observed ends now."""
    async with AIOKafkaConsumer(*OBSERVED, bootstrap_servers=told.system.servers.kafka) as consumer:
        return dict(await consumer.end_offsets(consumer.assignment()))


def _lines(part: ChildProcess) -> list[str]:
    with suppress(FileNotFoundError):
        return part.log_path.read_text("utf-8", "replace").splitlines()
    return []
