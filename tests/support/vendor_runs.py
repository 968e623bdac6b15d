"""Runs of vendor-sync on a real document store, with a fake marketplace and a publisher that records."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from marketplace import NOW, FakeMarketplace
from run_env import RecordingPublisher, RecordingStatusChannel, a_request, connected, unfenced

from shared.contracts.base import Observation, RunKind, Side
from shared.contracts.vendor_sync import SubscriptionObserved, VendorRunFinished
from shared.mongo import Mongo
from shared.outbox import Outbox
from shared.sync_engine.integrations import IntegrationStates
from shared.sync_engine.run_repository import RunRepository
from shared.sync_engine.run_worker import RunWorker, WorkerTools
from shared.sync_engine.tenant_shares import TenantShares
from vendor_sync.app import PROFILE
from vendor_sync.runs.ports import Connect
from vendor_sync.runs.repository import DetailQueueRepository
from vendor_sync.runs.run_definition import VendorRunDefinition

O = TypeVar("O", bound=Observation)  # noqa: E741  one letter, as type variables have


WATCH_INTERVAL = timedelta(milliseconds=50)


@dataclass
class VendorRunHarness:
    """One integration of vendor-sync, from the queued run to the outbox."""

    mongo: Mongo
    marketplace: FakeMarketplace = field(default_factory=FakeMarketplace)
    publisher: RecordingPublisher = field(default_factory=RecordingPublisher)
    status_channel: RecordingStatusChannel = field(default_factory=RecordingStatusChannel)
    clock: Callable[[], datetime] = lambda: NOW
    connect: Connect | None = None
    """Opens another marketplace than the fake one."""

    def __post_init__(self) -> None:
        self.integrations = IntegrationStates(self.mongo, Side.VENDOR)
        self.runs = RunRepository(
            self.mongo, self.integrations, Outbox(self.mongo, "vendor-sync"), PROFILE.message_types
        )

    def worker(self) -> RunWorker:
        definition = VendorRunDefinition(
            self.connect or self.marketplace.connect, DetailQueueRepository(self.mongo)
        )
        tools = WorkerTools(
            self.mongo, unfenced(self.publisher), self.status_channel, self.clock, WATCH_INTERVAL
        )
        return RunWorker(self.runs, definition, tools, shares=TenantShares(2))

    async def queue(self, sync_id: str = "s1", kind: RunKind = RunKind.FULL) -> None:
        await self.integrations.on_connected(connected())
        await self.runs.queue(a_request(sync_id, kind=kind))

    async def run(self, sync_id: str = "s1", kind: RunKind = RunKind.FULL) -> VendorRunFinished:
        """Queues a run and carries it to its end; returns what it ended with."""
        await self.queue(sync_id, kind)
        await self.worker().step()
        return await self.last_finished()

    async def last_finished(self) -> VendorRunFinished:
        rows = await self.mongo.all_tenants("outbox").find(
            {"topic": VendorRunFinished.topic}, sort=[("seq", 1)]
        )
        return VendorRunFinished.model_validate_json(rows[-1]["body"])

    def published(self, model: type[O]) -> list[O]:
        return [message for message in self.publisher.messages if isinstance(message, model)]

    def last_observed(self, subscription_id: str) -> SubscriptionObserved:
        of_subscription = [
            observation
            for observation in self.published(SubscriptionObserved)
            if observation.subscription_id == subscription_id
        ]
        return of_subscription[-1]
