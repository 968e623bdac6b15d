"""Billing without Kafka: what it hears is handed over, its jobs are stepped by hand, its store is real."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from observation_builders import NOW, PSA, TENANT, VENDOR, a_finished_run, a_mapping, an_integration

from billing.app import INDEXES
from billing.observations.integrations import IntegrationDirectory
from billing.observations.receipts import Receipts
from billing.observations.repository import ObservationRepository
from billing.observations.service import ObservationIngestor
from billing.reconciliation.inputs import AccountGroupLoader
from billing.reconciliation.leader import ReconcilerLeader
from billing.reconciliation.reconciler import Reconciler
from billing.runs.repository import FinishedRunRepository
from billing.runs.run_closer import RunCloser
from billing.runs.run_progress import RunProgressReader
from billing.runs.sync_completer import SyncCompleter
from billing.usage.calendar import TenantCalendar
from billing.usage.coverage_repository import CoverageRepository
from billing.usage.recalculation_queue import RecalculationQueue
from billing.usage.repository import UsageLineRepository
from billing.usage.usage_line import UsageLine
from shared.contracts.base import Observation, State
from shared.mongo import Mongo
from shared.outbox import Outbox
from shared.runtime.leases import Leases
from shared.status_channel import RunStatus

Row = dict[str, Any]


@dataclass
class Board:
    """Stands for the status channel; may be down."""

    told: list[RunStatus] = field(default_factory=list)
    known: dict[str, RunStatus] = field(default_factory=dict)
    down: Exception | None = None

    async def report(self, status: RunStatus) -> int:
        if self.down:
            raise self.down
        self.told.append(status)
        self.known[status.integration_id] = status
        return len(self.told)

    async def snapshot(self, tenant_id: str) -> dict[str, RunStatus]:
        return {name: status for name, status in self.known.items() if status.tenant_id == tenant_id}


class World:
    """One billing process."""

    def __init__(self, mongo: Mongo) -> None:
        self.mongo, self.now, self.board = mongo, NOW, Board()
        self.woken = asyncio.Event()
        self.outbox = Outbox(mongo, "billing")
        self.queue = RecalculationQueue(mongo, clock=self.clock)
        self.observed = ObservationRepository(mongo, clock=self.clock)
        self.lines = UsageLineRepository(mongo, self.outbox, CoverageRepository(mongo))
        self.receipts = Receipts(mongo, clock=self.clock)
        self.ingestor = ObservationIngestor(self.observed, self.receipts, self.queue, wake=lambda: None)
        groups = AccountGroupLoader(mongo, {TENANT: TenantCalendar(id=TENANT, currency="USD")})
        self.reconciler = Reconciler(self.queue, groups, self.lines, clock=self.clock)
        self.leader = ReconcilerLeader(self.reconciler, Leases(mongo), self.lines.acquire_fence)
        self.runs = FinishedRunRepository(mongo, self.outbox, clock=self.clock)
        self.closing = RunCloser(
            self.runs, RunProgressReader(mongo), self.lines, touched=self.queue, clock=self.clock
        )
        self.completing = SyncCompleter(
            self.runs, self.lines, self.board, integrations=IntegrationDirectory(mongo), clock=self.clock
        )

    def clock(self) -> datetime:
        return self.now

    def later(self, **by: float) -> None:
        self.now += timedelta(**by)

    async def hear(self, *news: State) -> None:
        """As the pipeline would: one batch of each kind, in the order given."""
        for _, batch in groupby(news, key=type):
            await self.ingestor.ingest(list(batch))

    async def reconcile(self) -> None:
        while await self.leader.step():
            pass

    async def end(self, *news: Observation, **run: Any) -> None:
        """A run ends that published these, and billing sees it through."""
        await self.closing.hear([a_finished_run(news, **run)])
        await self.settle()

    async def settle(self) -> None:
        """Steps every job until none finds anything to do."""
        await self.reconcile()
        while await self.closing.carry_on():
            await self.reconcile()
        await self.completing.carry_on()

    async def stored(self) -> list[UsageLine]:
        """The lines that stand."""
        return (await self.lines.page(TENANT))[0]

    async def line(self) -> UsageLine:
        [line] = await self.stored()
        return line

    async def said(self, topic: str) -> list[Row]:
        """What the outbox would send, oldest first."""
        rows: Sequence[Row] = await self.mongo.all_tenants("outbox").find({"topic": topic}, sort=[("seq", 1)])
        return list(rows)


async def a_world(mongo: Mongo) -> World:
    await mongo.ensure(INDEXES)
    return World(mongo)


async def a_mapped_world(mongo: Mongo, *news: State) -> World:
    """Both sides connected, mapped, and completely read with this news in it."""
    world = await a_world(mongo)
    await world.hear(an_integration(VENDOR), an_integration(PSA))
    await world.hear(a_mapping("account", "acme", "co1"), a_mapping("service", "svc1", "prod1"))
    await world.hear(*news)
    await world.end(*_of(news, VENDOR))
    await world.end(*_of(news, PSA), integration_id=PSA, sync_id="sync-psa")
    return world


def _of(news: Iterable[State], integration_id: str) -> list[Observation]:
    return [one for one in news if isinstance(one, Observation) and one.integration_id == integration_id]
