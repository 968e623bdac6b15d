"""What the sync engine needs around it: a publisher and a status channel that record, a lease, builders."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime

from shared.contracts import Message
from shared.contracts.auth import IntegrationChanged, IntegrationConnected, IntegrationStatus
from shared.contracts.base import RunKind, Side
from shared.contracts.manifest import ListingExtent
from shared.contracts.vendor_sync import VendorAccountObserved
from shared.errors import TransientError
from shared.mongo import Mongo
from shared.runtime.clock import monotonic_seconds
from shared.runtime.health import Health
from shared.runtime.leases import LeaseLost
from shared.status_channel import RunStatus
from shared.sync_engine.account_manifest import AccountManifest
from shared.sync_engine.change_publisher import ChangePublisher, MessagePublisher
from shared.sync_engine.integrations import IntegrationStates
from shared.sync_engine.jobs import RunJobs
from shared.sync_engine.models import Run, RunRequest
from shared.sync_engine.run_repository import RunRepository
from shared.sync_engine.run_worker import OpenPublisher

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


async def _do_nothing(_: list[Message]) -> None:
    return


@dataclass
class RecordingPublisher:
    """Stands for Kafka: keeps what was acknowledged; `before` is called first, and may fail or interfere."""

    messages: list[Message] = field(default_factory=list)
    before: Callable[[list[Message]], Awaitable[None]] = _do_nothing
    calls: list[tuple[str | None, float | None]] = field(default_factory=list)
    """Correlation id and deadline of each call; the deadline is a moment of `monotonic_seconds`."""

    async def publish(
        self, messages: Iterable[Message], *, correlation_id: str | None = None, deadline: float | None = None
    ) -> None:
        batch = list(messages)
        self.calls.append((correlation_id, deadline))
        await self.before(batch)
        self.messages += batch


def unfenced(publisher: MessagePublisher) -> OpenPublisher:
    """Opens the same publisher under every name: without Kafka there is nothing that could fence one off."""
    return lambda _: nullcontext(publisher)


@dataclass
class FakeLease:
    """A lease that runs out when a test sets its deadline."""

    deadline: float = field(default_factory=lambda: monotonic_seconds() + 60)

    @property
    def monotonic_deadline(self) -> float:
        return self.deadline

    def check(self) -> None:
        if monotonic_seconds() >= self.deadline:
            raise LeaseLost("the lease has run out")


def a_change_publisher(
    mongo: Mongo, publisher: RecordingPublisher, lease: FakeLease | None = None
) -> ChangePublisher:
    """Publishes what is read of the integration that the other builders make."""
    return ChangePublisher(
        mongo, publisher, tenant_id="demo", integration_id="int_1", lease=lease or FakeLease()
    )


async def kafka_away(_: list[Message]) -> None:
    """For `RecordingPublisher.before`: nothing arrives."""
    raise TransientError("Kafka does not answer")


@dataclass
class RecordingStatusChannel:
    """Stands for the status channel: keeps what runs report."""

    reports: list[RunStatus] = field(default_factory=list)
    _reported: asyncio.Event = field(default_factory=asyncio.Event)

    async def report(self, status: RunStatus) -> int:
        self.reports.append(status)
        self._reported.set()
        return len(self.reports)

    async def wait_for_phase(self, phase: str) -> None:
        """Waits until a run has reported this phase."""
        while phase not in {status.phase for status in self.reports}:
            self._reported.clear()
            await self._reported.wait()


def an_account(
    account_id: str = "a1", *, name: str = "Contoso", revision: int = 1, run_id: str = "run_1"
) -> VendorAccountObserved:
    return VendorAccountObserved(
        tenant_id="demo",
        integration_id="int_1",
        run_id=run_id,
        generation=1,
        revision=revision,
        observed_at=NOW,
        account_id=account_id,
        name=name,
        status="active",
    )


def an_empty_manifest(account_id: str = "a1", *, listed_revision: int = 1) -> AccountManifest:
    """The manifest of an account that has nothing."""
    return AccountManifest(
        account_id=account_id,
        things=(),
        records={},
        listing=ListingExtent.WHOLE,
        listed_revision=listed_revision,
        read_from=NOW,
        read_until=NOW,
    )


def connected(*, generation: int = 1, side: Side = Side.VENDOR) -> IntegrationConnected:
    return IntegrationConnected(
        tenant_id="demo",
        integration_id="int_1",
        side=side,
        provider="ingram-micro",
        realm="https://api.example#us",
        name="Marketplace",
        generation=generation,
        connected_at=NOW,
    )


def changed(
    status: IntegrationStatus = IntegrationStatus.ACTIVE, *, revision: int = 1, generation: int = 1
) -> IntegrationChanged:
    event = connected(generation=generation).model_dump()
    return IntegrationChanged.model_validate(event | {"status": status, "revision": revision})


def a_request(sync_id: str = "s1", *, kind: RunKind = RunKind.FULL) -> RunRequest:
    return RunRequest("demo", "int_1", sync_id, kind, "somebody")


def a_run() -> Run:
    """A whole run that has just been asked for."""
    return Run(
        run_id="run_1",
        tenant_id="demo",
        integration_id="int_1",
        sync_ids=("s1",),
        kind=RunKind.FULL,
        asked_by="test",
        queued_at=datetime(2026, 11, 1, 9, tzinfo=UTC),
    )


async def queue_run(mongo: Mongo, runs: RunRepository, tenant_id: str, integration_id: str) -> None:
    """Connects an integration of the marketplace's side, and asks for a full run of it."""
    ids = {"tenant_id": tenant_id, "integration_id": integration_id}
    await IntegrationStates(mongo, Side.VENDOR).on_connected(connected().model_copy(update=ids))
    await runs.queue(RunRequest(tenant_id, integration_id, "s1", RunKind.FULL, "somebody"))


@asynccontextmanager
async def working(jobs: RunJobs, health: Health) -> AsyncIterator[None]:
    """Lets all jobs of a sync service work during the block."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(job.run(stop, health)) for job in jobs.jobs]
    try:
        yield
    finally:
        stop.set()
        jobs.stop()
        await asyncio.gather(*tasks)


async def until_claimed(mongo: Mongo, patience_seconds: float = 60) -> None:
    """Waits until a worker has claimed a run."""
    until = asyncio.get_running_loop().time() + patience_seconds
    while not await mongo.all_tenants("runs").count({"state": "running"}):
        assert asyncio.get_running_loop().time() < until
        await asyncio.sleep(0.01)
