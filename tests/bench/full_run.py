"""Rows `full-run`: a first full run of a marketplace, from the command to run-finished, no rate limit."""

# A first run is repeated by deleting what vendor-sync knows of the marketplace; the next run then reads every
# detail again.  A pair counts only if both sides read the same number of details, and the run was complete:
# a run that skipped something would be fast for the wrong reason.

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
from shared.kafka import Publisher, client_options, make_broker
from shared.mongo import Document
from tests.bench.bare_walk import run_baseline
from tests.bench.connected_system import ConnectedEnv, set_switches
from tests.bench.harness import Row, Sample, Sign, Target, alternate, row_of_times
from tests.bench.usage import cpu_seconds, peak_mb

_TARGET = Target(Sign.AT_MOST, 1.15)
_OTHER_SERVICES = ("console", "billing", "matcher", "psa-sync")
_KNOWLEDGE = ("observations", "work_items", "subscriptions", "collects", "answers", "manifests")
"""The collections in which vendor-sync keeps what it knows of a marketplace."""
_BEGIN_WITHIN_SECONDS = {0: 150.0, 10: 60.0, 50: 60.0}
"""By latency of a call in ms: seconds in which pairs are begun, so that the bench ends in some ten minutes.

Without latency the sandbox answers faster than a client can ask, so only processor time is compared; real
marketplaces take a hundred milliseconds and more.
"""
_TIMEOUT_SECONDS = 300.0


async def measure(env: ConnectedEnv) -> list[Row]:
    # Services that only consume are stopped: they would take processor time from both sides unequally.
    for name in _OTHER_SERVICES:
        await env.system.processes[name].stop()
    async with _open_runner(env) as runner:
        return [await _measure_row(runner, latency_ms) for latency_ms in _BEGIN_WITHIN_SECONDS]


async def _measure_row(runner: "_Runner", latency_ms: int) -> Row:
    """Measure at one latency; raises `ValueError` when the two sides did not do the same work."""
    env = runner.env
    await set_switches(env.system, {"latency_ms": latency_ms})
    pairs = await alternate(
        runner.first_run,
        lambda: env.run(run_baseline, env.workload(0)),
        env.pairs,
        within_seconds=_BEGIN_WITHIN_SECONDS[latency_ms],
    )
    details = {sample.count for pair in pairs for sample in (pair.ours, pair.bare)}
    if len(details) != 1:
        raise ValueError(f"the two sides did not read the same number of details: {details}")
    (amount,) = details
    note = f"{amount / pairs[-1].ours.seconds:,.0f} details a second; what reads the topics is stopped"
    name = f"full run of {amount:,}, {latency_ms} ms a call"
    return row_of_times(name, pairs, _TARGET, notes=(note,))


@dataclass(frozen=True, slots=True)
class _Runner:
    """Commands vendor-sync to run, as billing does, and waits for the runs' ends."""

    env: ConnectedEnv
    publisher: Publisher
    ends: AIOKafkaConsumer

    async def first_run(self) -> Sample:
        """Run and measure once; raises `ValueError` unless the run is complete."""
        await self._delete_knowledge()
        pid, sync_id = self.env.system.processes["vendor-sync"].pid, uuid4().hex
        cpu_before, started = cpu_seconds(pid), time.perf_counter()
        command = SyncVendor(
            tenant_id=self.env.system.credentials.tenant_id,
            integration_id=self.env.first_sync.vendor_id,
            sync_id=sync_id,
            kind=RunKind.FULL,
            asked_by="bench",
        )
        await self.publisher.publish([command])
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            finished = await self._wait_for_end(sync_id)
        seconds = time.perf_counter() - started
        if finished.outcome is not Outcome.COMPLETE:
            raise ValueError(f"the run is {finished.outcome}: {finished.reason}")
        return Sample(seconds, finished.counts["details"], cpu_seconds(pid) - cpu_before, peak_mb(pid))

    async def _delete_knowledge(self) -> None:
        url = self.env.system.servers.mongo_url
        client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(url, w="majority")
        for name in _KNOWLEDGE:
            await client["vendor-sync"][name].delete_many({})
        client.close()

    async def _wait_for_end(self, sync_id: str) -> VendorRunFinished:
        async for record in self.ends:
            finished = VendorRunFinished.model_validate_json(record.value)
            if finished.sync_id == sync_id:
                return finished
        raise LookupError("the topic ended")


@asynccontextmanager
async def _open_runner(env: ConnectedEnv) -> AsyncIterator[_Runner]:
    kafka = env.system.servers.kafka
    broker = make_broker(kafka, "bench")
    async with AIOKafkaConsumer(VendorRunFinished.topic, **client_options(kafka)) as ends:
        try:
            await broker.start()
            yield _Runner(env, Publisher(broker, "bench"), ends)
        finally:
            await broker.stop()
