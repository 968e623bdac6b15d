"""Runs two processes of vendor-sync, one of which is paused for longer than its lease lasts."""

# The story that the tests need, step by step:
#
#   1. the worker publishes while Kafka is paused, so its keys are dirty: not known to have arrived;
#   2. the worker is paused, then Kafka goes on;
#   3. the lease ends, the other process claims the run and publishes the dirty keys again;
#   4. the worker goes on, and must publish nothing more.
#
# Kafka is paused first: otherwise the answers could arrive before the worker is paused, and nothing would be
# dirty.

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
from reviewed_system import OBSERVED, ReviewedSystem

from shared.kafka import client_options
from shared.mongo import Mongo
from shared.runtime.settings import MongoSettings
from standalone.child_process import ChildProcess
from standalone.port_claims import claim_free_port
from standalone.probes import http_ready

_TIMEOUT_SECONDS = 120.0
_POLL_SECONDS = 0.02
_SERVICE = "vendor-sync"


@asynccontextmanager
async def two_workers(reviewed: ReviewedSystem) -> AsyncIterator[list[ChildProcess]]:
    """Run vendor-sync twice, with leases that run out soon; when the block ends it runs once, as before."""
    first, port = reviewed.system.processes[_SERVICE], claim_free_port()
    usual_env = first.env
    await first.stop()
    first.env = {**usual_env, **TAKEOVER}
    second = replace(
        first,
        name=f"{_SERVICE}-twin",
        env={**first.env, "HTTP__PORT": str(port)},
        log_path=first.log_path.with_name(f"{_SERVICE}-twin.log"),
        probe=http_ready(port),
    )
    try:
        await asyncio.gather(first.start(), second.start())
        yield [first, second]
    finally:
        await asyncio.gather(first.stop(), second.stop())
        first.env = usual_env
        await first.start()


@dataclass(frozen=True, slots=True)
class SyncDatabase:
    """Reads vendor-sync's own database."""

    mongo: Mongo

    async def run(self, run_id: str) -> dict[str, Any]:
        return (await self.mongo.all_tenants("runs").get(run_id)) or {}

    async def dirty(self) -> dict[str, int]:
        """Return the revisions of what is published and not known to have arrived, by topic and key."""
        items = await self.mongo.all_tenants("work_items").find()
        ids = [id_ for item in items for id_ in item["keys"]]
        rows = await self.mongo.all_tenants("observations").get_many(ids)
        return {id_: row["revision"] for id_, row in rows.items()}


@asynccontextmanager
async def open_sync_database(reviewed: ReviewedSystem) -> AsyncIterator[SyncDatabase]:
    url = SecretStr(reviewed.system.servers.mongo_url)
    mongo = Mongo(MongoSettings(url=url, database=_SERVICE))
    try:
        yield SyncDatabase(mongo)
    finally:
        await mongo.close()


async def pause_with_dirty_keys(
    reviewed: ReviewedSystem, database: SyncDatabase, worker: ChildProcess
) -> dict[str, int]:
    """Pause the worker while Kafka owes it an answer; return the keys that it leaves dirty."""
    kafka = reviewed.system.processes["kafka"]
    kafka.signal(signal.SIGSTOP)
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            while not await database.dirty():
                await asyncio.sleep(_POLL_SECONDS)
        worker.signal(signal.SIGSTOP)
    finally:
        kafka.signal(signal.SIGCONT)
    return await database.dirty()


async def wait_for_log_line(process: ChildProcess, *words: str) -> None:
    """Wait until one line of the process's log holds all of these words."""
    async with asyncio.timeout(_TIMEOUT_SECONDS):
        while not any(all(word in line for word in words) for line in _log_lines(process)):
            await asyncio.sleep(_POLL_SECONDS)


def has_claimed_run(process: ChildProcess, run_id: str) -> bool:
    return any("run_taken_up" in line and run_id in line for line in _log_lines(process))


async def published_since(reviewed: ReviewedSystem, start: dict[TopicPartition, int]) -> dict[str, int]:
    """Return the newest revision of every key published after these offsets, as `SyncDatabase.dirty` does."""
    revisions: dict[str, int] = {}
    consumer = AIOKafkaConsumer(**client_options(reviewed.system.servers.kafka))
    await consumer.start()
    try:
        consumer.assign(list(start))
        ends = await consumer.end_offsets(list(start))
        for partition, offset in start.items():
            consumer.seek(partition, offset)
        while any([await consumer.position(partition) < end for partition, end in ends.items()]):
            for partition, records in (await consumer.getmany(timeout_ms=200)).items():
                for record in records:
                    key = f"{partition.topic}#{record.key.decode()}"
                    revisions[key] = json.loads(record.value)["revision"]
    finally:
        await consumer.stop()
    return revisions


async def end_offsets(reviewed: ReviewedSystem) -> dict[TopicPartition, int]:
    """Return where each partition of the observation topics ends now."""
    async with AIOKafkaConsumer(*OBSERVED, **client_options(reviewed.system.servers.kafka)) as consumer:
        return dict(await consumer.end_offsets(consumer.assignment()))


def _log_lines(process: ChildProcess) -> list[str]:
    with suppress(FileNotFoundError):
        return process.log_path.read_text("utf-8", "replace").splitlines()
    return []
