"""Row: a first full run of a marketplace, from the command to run-finished, without a budget to wait for."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

from aiokafka import AIOKafkaConsumer
from motor.motor_asyncio import AsyncIOMotorClient

from shared.contracts.base import Outcome, RunKind
from shared.contracts.vendor_sync import SyncVendor, VendorRunFinished
from shared.kafka import Publisher, make_broker
from shared.mongo import Document
from shared.runtime.settings import KafkaSettings
from tests.bench.bare_walk import bare
from tests.bench.connected import Connected, sandbox_set
from tests.bench.harness import Row, Sample, Sign, Target, in_turn, row_of_times
from tests.bench.usage import cpu_seconds, peak_mb

_TARGET = Target(Sign.AT_MOST, 1.15)
_OTHERS = ("console", "billing", "matcher", "psa-sync")
_REMEMBERED = ("observations", "dirty", "subscriptions")
"""What vendor-sync knows of a marketplace; without it the next run is a first run again."""
_PATIENCE = {0: 150.0, 10: 60.0, 50: 60.0}
"""By latency of a call in ms: seconds in which pairs are begun, so that the bench ends in some ten minutes.

Without latency the sandbox answers faster than a client can ask, so only processor time is compared; real
marketplaces take a hundred milliseconds and more.
"""
_WITHIN = 300.0


async def measure(ground: Connected) -> list[Row]:
    """Who only listens is stopped before: it would take the processors from both sides in different ways."""
    for name in _OTHERS:
        await ground.system.parts[name].stop()
    async with _running(ground) as runs:
        return [await _row(runs, latency_ms) for latency_ms in _PATIENCE]


async def _row(runs: "_Runs", latency_ms: int) -> Row:
    """Raises `ValueError` when the two sides did not do the same work."""
    ground = runs.ground
    await sandbox_set(ground.system, {"latency_ms": latency_ms})
    pairs = await in_turn(
        runs.first_run, lambda: ground.run(bare, ground.plan(0)), ground.pairs, within=_PATIENCE[latency_ms]
    )
    details = {sample.count for pair in pairs for sample in (pair.ours, pair.bare)}
    if len(details) != 1:
        raise ValueError(f"the two sides did not read the same number of details: {details}")
    (amount,) = details
    note = f"{amount / pairs[-1].ours.seconds:,.0f} details a second; what reads the topics is stopped"
    name = f"full run of {amount:,}, {latency_ms} ms a call"
    return row_of_times(name, pairs, _TARGET, notes=(note,))


@dataclass(frozen=True, slots=True)
class _Runs:
    """Asks vendor-sync for runs, as billing would, and hears their ends."""

    ground: Connected
    publisher: Publisher
    ends: AIOKafkaConsumer

    async def first_run(self) -> Sample:
        """Raises `ValueError` unless the run is complete."""
        await self._forget()
        pid, sync_id = self.ground.system.parts["vendor-sync"].pid, uuid4().hex
        used, began = cpu_seconds(pid), time.perf_counter()
        await self.publisher.publish([self._command(sync_id)])
        async with asyncio.timeout(_WITHIN):
            finished = await self._end_of(sync_id)
        seconds = time.perf_counter() - began
        if finished.outcome is not Outcome.COMPLETE:
            raise ValueError(f"the run is {finished.outcome}: {finished.reason}")
        return Sample(seconds, finished.counts["details"], cpu_seconds(pid) - used, peak_mb(pid))

    async def _forget(self) -> None:
        url = self.ground.system.servers.mongo_url
        client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(url, w="majority")
        for name in _REMEMBERED:
            await client["vendor-sync"][name].delete_many({})
        client.close()

    def _command(self, sync_id: str) -> SyncVendor:
        return SyncVendor(
            tenant_id=self.ground.system.credentials.tenant_id,
            integration_id=self.ground.synced.vendor_id,
            sync_id=sync_id,
            kind=RunKind.FULL,
            asked_by="bench",
        )

    async def _end_of(self, sync_id: str) -> VendorRunFinished:
        async for record in self.ends:
            finished = VendorRunFinished.model_validate_json(record.value)
            if finished.sync_id == sync_id:
                return finished
        raise LookupError("the topic ended")


@asynccontextmanager
async def _running(ground: Connected) -> AsyncIterator[_Runs]:
    servers = ground.system.servers.kafka
    broker = make_broker(KafkaSettings(servers=servers), "bench")
    async with AIOKafkaConsumer(VendorRunFinished.topic, bootstrap_servers=servers) as ends:
        try:
            await broker.start()
            yield _Runs(ground, Publisher(broker, "bench"), ends)
        finally:
            await broker.stop()
