"""Runs of psa-sync on a real document store, with a fake PSA and a publisher that records."""

import asyncio
import time
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeVar

from psa import FakePsa, a_line, an_agreement
from run_env import RecordingPublisher, RecordingStatusChannel, unfenced
from writes import connected

from psa_sync.app import PROFILE
from psa_sync.concurrency import CALLS_AT_ONCE
from psa_sync.psa import CatalogueItem, Company
from psa_sync.runs.ports import Connect
from psa_sync.runs.repository import CollectQueueRepository
from psa_sync.runs.run_definition import PsaRunDefinition
from shared.contracts import Message
from shared.contracts.base import RunKind, Side
from shared.contracts.manifest import ItemSpan
from shared.contracts.psa_sync import (
    AgreementLineObserved,
    PsaAccountRead,
    PsaCredentialsRejected,
    PsaRunFinished,
)
from shared.mongo import Mongo
from shared.outbox import Outbox
from shared.sync_engine.integrations import IntegrationStates
from shared.sync_engine.manifest_publisher import ManifestPublisher
from shared.sync_engine.models import RunRequest
from shared.sync_engine.run_repository import RunRepository
from shared.sync_engine.run_worker import RunWorker, WorkerTools
from shared.sync_engine.tenant_shares import TenantShares

M = TypeVar("M", bound=Message)
OUTBOX_MODELS: dict[str, type[Message]] = {
    model.topic: model for model in (PsaRunFinished, PsaCredentialsRejected)
}


def a_psa() -> FakePsa:
    """Two companies, two products, two agreements, three lines."""
    other = an_agreement("78")
    lines = [a_line("901"), a_line("902", "2.5"), a_line("911", "4", agreement=other)]
    return FakePsa(
        held_lines={line.line_id: line for line in lines},
        listed_companies=[Company("1", "AcmeCo", "Acme Co"), Company("2", "Contoso", "Contoso")],
        listed_products=[
            CatalogueItem("512", "EDR", "EDR", active=True),
            CatalogueItem("513", "AV", "AV", active=False),
        ],
        listed_agreements=[an_agreement(), other],
    )


def span_of(manifest: PsaAccountRead, product_id: str = "512") -> ItemSpan:
    """Returns the span of one product; the lines of `a_psa` are all of 512."""
    [span] = [span for span in manifest.spans if span.item_id == product_id]
    return span


@dataclass
class PsaRunHarness:
    """One integration of psa-sync, from the queued run to the outbox."""

    mongo: Mongo
    psa: FakePsa = field(default_factory=a_psa)
    publisher: RecordingPublisher = field(default_factory=RecordingPublisher)
    status_channel: RecordingStatusChannel = field(default_factory=RecordingStatusChannel)
    run_count: int = 0
    calls_at_once: int = CALLS_AT_ONCE
    connect: Connect | None = None
    """Opens another PSA than the fake one."""

    def __post_init__(self) -> None:
        self.integrations = IntegrationStates(self.mongo, Side.PSA)
        self.runs = RunRepository(
            self.mongo, self.integrations, Outbox(self.mongo, "psa-sync"), PROFILE.message_types
        )

    def worker(self) -> RunWorker:
        definition = PsaRunDefinition(
            self.connect or self.psa.connect,
            CollectQueueRepository(self.mongo),
            ManifestPublisher(self.mongo, PsaAccountRead),
            self.calls_at_once,
        )
        tools = WorkerTools(self.mongo, unfenced(self.publisher), self.status_channel)
        return RunWorker(self.runs, definition, tools, shares=TenantShares(2))

    async def queue(self, kind: RunKind = RunKind.FULL) -> None:
        self.run_count += 1
        await self.integrations.on_connected(connected())
        await self.runs.queue(RunRequest("demo", "int_1", f"sync_{self.run_count}", kind, "somebody"))

    async def run(self, kind: RunKind = RunKind.FULL) -> PsaRunFinished:
        """Queues one more run and carries it to its end; calls and messages are then of that run."""
        self.publisher.messages.clear()
        self.psa.calls.clear()
        await self.queue(kind)
        assert await self.worker().step()
        messages = await self.outbox_messages()
        return [message for message in messages if isinstance(message, PsaRunFinished)][-1]

    async def wait_until_read(self, agreement_id: str) -> None:
        """Waits until the lines of this agreement are read."""
        deadline = time.monotonic() + 60
        filter_ = {"agreement_id": agreement_id, "state": "done"}
        while not await self.mongo.all_tenants("agreements").count(filter_):
            assert time.monotonic() < deadline, f"agreement {agreement_id} was not read"
            await asyncio.sleep(0.02)

    async def outbox_messages(self) -> list[Message]:
        rows = await self.mongo.all_tenants("outbox").find(sort=[("seq", 1)])
        return [OUTBOX_MODELS[row["topic"]].model_validate_json(bytes(row["body"])) for row in rows]

    def manifests(self) -> dict[str, PsaAccountRead]:
        """Returns the newest manifest of each company in the last run; none has more than one part."""
        return {manifest.account_id: manifest for manifest in self.published(PsaAccountRead)}

    async def quantities(self, company_id: str) -> dict[str, Decimal | None]:
        """Returns the quantity of each line that the last run's manifest of a company names."""
        rows = await self.mongo.all_tenants("observations").find({"topic": AgreementLineObserved.topic})
        lines = [AgreementLineObserved.model_validate(row["body"]) for row in rows]
        stated = {(line.line_id, line.revision): line.quantity for line in lines}
        return {thing.id: stated[thing.id, thing.revision] for thing in self.manifests()[company_id].things}

    def observations(self) -> list[Message]:
        """Returns what the last run published besides manifests."""
        return [message for message in self.publisher.messages if not isinstance(message, PsaAccountRead)]

    def published(self, model: type[M]) -> list[M]:
        """Returns what the last run published of one kind."""
        return [message for message in self.publisher.messages if isinstance(message, model)]
