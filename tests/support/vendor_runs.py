"""Runs of vendor-sync on a real document store, with a fake marketplace and a publisher that records."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeVar

from marketplace import NOW, FakeMarketplace
from run_env import RecordingPublisher, RecordingStatusChannel, a_request, connected, unfenced

from shared.contracts.base import Message, RunKind, Side
from shared.contracts.vendor_sync import (
    ServiceObserved,
    SubscriptionObserved,
    VendorAccountRead,
    VendorRunFinished,
)
from shared.mongo import Mongo, Update
from shared.outbox import Outbox
from shared.sync_engine.integrations import IntegrationStates
from shared.sync_engine.run_repository import RunRepository
from shared.sync_engine.run_worker import RunWorker, WorkerTools
from shared.sync_engine.tenant_shares import TenantShares
from vendor_sync.app import PROFILE
from vendor_sync.runs.ports import Connect
from vendor_sync.runs.run_definition import VendorRunDefinition
from vendor_sync.runs.stores import stores_in

M = TypeVar("M", bound=Message)


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
    renewals_listed_within: timedelta = timedelta(0)
    """The fake marketplace lists at once, unless a test says otherwise."""
    seen: int = 0
    """How many messages were published before what a test looks at."""

    def __post_init__(self) -> None:
        self.integrations = IntegrationStates(self.mongo, Side.VENDOR)
        self.runs = RunRepository(
            self.mongo, self.integrations, Outbox(self.mongo, "vendor-sync"), PROFILE.message_types
        )

    def worker(self) -> RunWorker:
        definition = VendorRunDefinition(
            self.connect or self.marketplace.connect, stores_in(self.mongo), self.renewals_listed_within
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

    async def let_time_pass(self, duration: timedelta) -> None:
        """Carries the revisions on as if the document store's clock had moved so far."""
        microseconds = duration // timedelta(microseconds=1)
        await self.mongo.documents("revisions", "demo").bulk(
            [Update({"_id": "int_1"}, {"$inc": {"value": microseconds}})]
        )

    def published(self, model: type[M]) -> list[M]:
        return [message for message in self.publisher.messages if isinstance(message, model)]

    def manifests(self, account_id: str = "c1") -> list[VendorAccountRead]:
        """Returns the manifests of an account since `begin_anew`, the newest last; all are of one part."""
        messages = self.publisher.messages[self.seen :]
        manifests = [message for message in messages if isinstance(message, VendorAccountRead)]
        return [manifest for manifest in manifests if manifest.account_id == account_id]

    def begin_anew(self) -> None:
        """Leaves aside what was published and asked for so far."""
        self.seen = len(self.publisher.messages)
        self.marketplace.calls.clear()

    def last_manifest(self, account_id: str = "c1") -> VendorAccountRead:
        return self.manifests(account_id)[-1]

    def named(self, manifest: VendorAccountRead) -> dict[str, SubscriptionObserved]:
        """Returns the observations that the manifest names, by subscription id."""
        stated = {(one.subscription_id, one.revision): one for one in self.published(SubscriptionObserved)}
        return {thing.id: stated[thing.id, thing.revision] for thing in manifest.things}

    def seats(self, manifest: VendorAccountRead, *, confirmed: bool = False) -> dict[str, Decimal]:
        """Returns the seats of each offer that the manifest states, or only those whose sum is confirmed.

        An offer is called by the part number of its service.
        """
        mpns = {one.service_id: one.mpn or one.service_key for one in self.published(ServiceObserved)}
        sums = {span.item_id: Decimal(0) for span in manifest.spans if not (confirmed and span.is_empty)}
        for one in self.named(manifest).values():
            for line in one.lines:
                if line.service_id in sums:
                    sums[line.service_id] += line.quantity or 0
        return {mpns[service_id]: seats for service_id, seats in sums.items()}

    def last_observed(self, subscription_id: str) -> SubscriptionObserved:
        of_subscription = [
            observation
            for observation in self.published(SubscriptionObserved)
            if observation.subscription_id == subscription_id
        ]
        return of_subscription[-1]
