"""Billing without Kafka: news is handed to it, its jobs are stepped by hand, its store is real."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
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
class FakeStatusChannel:
    """Keeps what was reported; `failure` is raised instead when it is set."""

    reported: list[RunStatus] = field(default_factory=list)
    statuses: dict[str, RunStatus] = field(default_factory=dict)
    failure: Exception | None = None

    async def report(self, status: RunStatus) -> int:
        if self.failure:
            raise self.failure
        self.reported.append(status)
        self.statuses[status.integration_id] = status
        return len(self.reported)

    async def snapshot(self, tenant_id: str) -> dict[str, RunStatus]:
        return {id_: status for id_, status in self.statuses.items() if status.tenant_id == tenant_id}


class World:
    """One billing process."""

    def __init__(self, mongo: Mongo) -> None:
        self.mongo, self.now, self.status_channel = mongo, NOW, FakeStatusChannel()
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
        self.run_closer = RunCloser(
            self.runs, RunProgressReader(mongo), self.lines, backlog=self.queue, clock=self.clock
        )
        self.sync_completer = SyncCompleter(
            self.runs,
            self.lines,
            self.status_channel,
            integrations=IntegrationDirectory(mongo),
            clock=self.clock,
        )

    def clock(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)

    async def ingest(self, *news: State) -> None:
        """Hands news over as the pipeline does: in batches of one kind, in the order given."""
        for _, batch in groupby(news, key=type):
            await self.ingestor.ingest(list(batch))

    async def reconcile(self) -> None:
        while await self.leader.step():
            pass

    async def finish_run(self, *news: Observation, **run: Any) -> None:
        """Ends a run that published these observations, and steps the jobs until billing is done with it."""
        await self.run_closer.record([a_finished_run(news, **run)])
        await self.settle()

    async def settle(self) -> None:
        """Steps every job until none finds anything to do."""
        await self.reconcile()
        while await self.run_closer.advance():
            await self.reconcile()
        await self.sync_completer.advance()

    async def stored(self) -> list[UsageLine]:
        """The lines that are present."""
        return (await self.lines.page(TENANT))[0]

    async def line(self) -> UsageLine:
        [line] = await self.stored()
        return line

    async def events(self, topic: str) -> list[Row]:
        """What the outbox would send to a topic, oldest first."""
        rows: Sequence[Row] = await self.mongo.all_tenants("outbox").find({"topic": topic}, sort=[("seq", 1)])
        return list(rows)


async def a_world(mongo: Mongo) -> World:
    # The world's clock stands in the past, where the store's own clock says that receipts have expired.
    await mongo.ensure([replace(index, ttl=None) for index in INDEXES])
    return World(mongo)


async def a_mapped_world(mongo: Mongo, *news: State) -> World:
    """A world with both sides connected, mapped, and completely read; `news` is what was read."""
    world = await a_world(mongo)
    await world.ingest(an_integration(VENDOR), an_integration(PSA))
    await world.ingest(a_mapping("account", "acme", "co1"), a_mapping("service", "svc1", "prod1"))
    await world.ingest(*news)
    await world.finish_run(*_observations_of(news, VENDOR))
    await world.finish_run(*_observations_of(news, PSA), integration_id=PSA, sync_id="sync-psa")
    return world


def _observations_of(news: Iterable[State], integration_id: str) -> list[Observation]:
    return [
        state for state in news if isinstance(state, Observation) and state.integration_id == integration_id
    ]
