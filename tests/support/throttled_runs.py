"""Runs whose provider asks for long pauses, on a real document store; the clock is the test's."""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from run_env import NOW, RecordingPublisher, RecordingStatusChannel, a_request, connected, unfenced, working

from shared.contracts.base import RunKind, Side
from shared.contracts.vendor_sync import VendorAccountObserved, VendorCredentialsRejected, VendorRunFinished
from shared.errors import LongPause
from shared.mongo import Mongo
from shared.outbox import Outbox
from shared.runtime.health import Health
from shared.sync_engine.integrations import IntegrationStates
from shared.sync_engine.jobs import RunJobs
from shared.sync_engine.models import Run
from shared.sync_engine.reports import RunTally
from shared.sync_engine.run_context import RunContext, RunStep
from shared.sync_engine.run_endings import MessageTypes
from shared.sync_engine.run_repository import RunRepository
from shared.sync_engine.run_worker import RunWorker, WorkerTools
from shared.sync_engine.tenant_shares import TenantShares

MESSAGE_TYPES = MessageTypes(VendorRunFinished, VendorCredentialsRejected, (VendorAccountObserved,))
HOUR = timedelta(hours=1)
WATCH_INTERVAL = timedelta(milliseconds=50)


@dataclass
class Throttled:
    """Two steps of a hundred things each; the second is told to pause as often as there are pauses left."""

    pauses: list[timedelta] = field(default_factory=lambda: [HOUR])
    dones: list[int] = field(default_factory=list)
    """How far the second step gets at each pause; where none is left, 40."""
    began: list[str] = field(default_factory=list)

    def steps(self) -> Sequence[RunStep]:
        return [RunStep("lists", self._read), RunStep("details", self._read)]

    async def _read(self, context: RunContext) -> None:
        name = context.progress.phase
        self.began.append(name)
        if name == "details" and self.pauses:
            context.progress.begin(name, done=self.dones.pop(0) if self.dones else 40, total=100)
            seconds = self.pauses.pop(0).total_seconds()
            raise LongPause("GET api.example/x answered 429: nothing", retry_after=seconds, status=429)

    async def tally(self, run: Run) -> RunTally:  # noqa: ARG002  the protocol's
        return RunTally()


@dataclass
class ThrottledRunHarness:
    """One integration with one queued run, and a clock that stands still until a test moves it."""

    mongo: Mongo
    definition: Throttled = field(default_factory=Throttled)
    status_channel: RecordingStatusChannel = field(default_factory=RecordingStatusChannel)
    health: Health = field(default_factory=lambda: Health("vendor-sync"))
    now: datetime = NOW

    def __post_init__(self) -> None:
        self.integrations = IntegrationStates(self.mongo, Side.VENDOR)
        self.runs = self.repository(self.mongo)

    def repository(self, mongo: Mongo) -> RunRepository:
        outbox = Outbox(mongo, "vendor-sync")
        return RunRepository(mongo, self.integrations, outbox, MESSAGE_TYPES, clock=lambda: self.now)

    async def queue(self, sync_id: str = "s1", kind: RunKind = RunKind.FULL) -> Run:
        await self.integrations.on_connected(connected())
        return await self.runs.queue(a_request(sync_id, kind=kind))

    def tools(self) -> WorkerTools:
        return WorkerTools(
            self.mongo,
            unfenced(RecordingPublisher()),
            self.status_channel,
            clock=lambda: self.now,
            watch_interval=WATCH_INTERVAL,
        )

    async def work(self, runs: RunRepository | None = None) -> bool:
        """Lets a worker carry the next run, if there is one that may be carried."""
        worker = RunWorker(runs or self.runs, self.definition, self.tools(), shares=TenantShares(2))
        return await worker.step()

    def working(self) -> AbstractAsyncContextManager[None]:
        """Lets all jobs of a process work."""
        jobs = RunJobs(
            self.runs, self.definition, self.tools(), health=self.health, workers=2, workers_per_tenant=2
        )
        return working(jobs, self.health)

    async def stored(self) -> dict[str, Any]:
        [row] = await self.mongo.all_tenants("runs").find()
        return row

    async def finished(self) -> list[VendorRunFinished]:
        rows = await self.mongo.all_tenants("outbox").find(
            {"topic": VendorRunFinished.topic}, sort=[("seq", 1)]
        )
        return [VendorRunFinished.model_validate_json(row["body"]) for row in rows]

    async def until_finished(self) -> VendorRunFinished:
        while not (finished := await self.finished()):
            await asyncio.sleep(0.01)
        return finished[0]
