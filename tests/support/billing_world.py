"""Billing without Kafka: news is handed to it, its jobs are stepped by hand, its store is real."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from manifest_builders import ACME, CO1, LISTED, Counted, account_reads, account_ref
from news_reader import NewsLog
from observation_builders import NOW, PSA, TENANT, VENDOR, a_finished_run, a_mapping, an_integration

from billing.app import INDEXES
from billing.audit.decision_log import DecisionLog
from billing.audit.repository import AuditLog
from billing.feeds.models import FeedRules
from billing.feeds.repository import FeedRepository
from billing.feeds.service import FeedBreaker
from billing.observations.account_news import AccountNews
from billing.observations.integrations import IntegrationDirectory
from billing.observations.manifest_applier import ManifestApplier
from billing.observations.manifest_repository import ManifestRepository
from billing.observations.read_backs import ReadBacks
from billing.observations.repository import BY_TOPIC, ObservationRepository
from billing.observations.service import ManifestIngestor, ObservationIngestor
from billing.reconciliation.feed_comparison import FeedComparison
from billing.reconciliation.inputs import AccountGroupLoader
from billing.reconciliation.leader import ReconcilerLeader
from billing.reconciliation.line_recalculator import LineRecalculator
from billing.reconciliation.reconciler import Reconciler
from billing.reconciliation.uncounted_lines import UncountedLines
from billing.runs.ports import ClosingPorts
from billing.runs.repository import FinishedRunRepository, SyncRepository
from billing.runs.run_closer import RunCloser
from billing.runs.sync_completer import SyncCompleter
from billing.runs.sync_requests import SyncRequestService
from billing.usage.calendar import TenantCalendar
from billing.usage.manifest_reader import ManifestReader
from billing.usage.recalculation_queue import RecalculationQueue
from billing.usage.repository import UsageLineRepository
from billing.usage.usage_line import UsageLine
from shared.contracts.base import Observation, State
from shared.contracts.manifest import AccountRead
from shared.mongo import Mongo
from shared.outbox import Outbox
from shared.run_hold import RunHold
from shared.runtime.leases import Leases
from shared.status_channel import RunStatus

Row = dict[str, Any]

OTHERS = (
    "observations",
    "manifest_parts",
    "manifests",
    "manifest_receipts",
    "manifest_arrivals",
    "manifest_settlements",
    "account_news",
    "read_backs",
    "feed_swings",
    "feed_runs",
    "work_items",
    "usage_lines",
    "runs",
    "completions",
    "outbox",
    "fences",
)
COLLECTIONS = (*BY_TOPIC.values(), *OTHERS)
"""Everything that billing stores, but for leases."""


@dataclass
class FakeStatusChannel:
    """Keeps what was reported; `failure` is raised instead when it is set."""

    reported: list[RunStatus] = field(default_factory=list)
    statuses: dict[str, RunStatus] = field(default_factory=dict)
    holds: dict[str, list[RunHold]] = field(default_factory=dict)
    """What is held, by integration id."""
    failure: Exception | None = None

    async def show_holds(self, _tenant_id: str, integration_id: str, holds: Sequence[RunHold]) -> None:
        if self.failure:
            raise self.failure
        self.holds[integration_id] = [*holds]

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

    def __init__(self, mongo: Mongo, calendar: TenantCalendar | None = None) -> None:
        self.mongo, self.now = mongo, NOW
        self.status_channel, self.told = FakeStatusChannel(), NewsLog()
        self.calendar = calendar or TenantCalendar(id=TENANT, currency="USD")
        self.woken = asyncio.Event()
        self.outbox = Outbox(mongo, "billing")
        self.queue = RecalculationQueue(mongo, clock=self.clock)
        self.observed = ObservationRepository(mongo, clock=self.clock, watcher=DecisionLog(AuditLog(mongo)))
        self.lines = UsageLineRepository(mongo, self.outbox)
        self.ingestor = ObservationIngestor(self.observed, ReadBacks(mongo), self.queue, wake=lambda: None)
        self.manifests = ManifestRepository(mongo, self.queue, clock=self.clock)
        self._build_manifests()
        self.known: list[Observation] = []
        """Everything that was observed."""
        self.revision = LISTED
        """Of the newest manifest."""
        self.news = AccountNews(mongo)
        self.reconciler = Reconciler(self.queue, self.groups, self.lines, self.news, clock=self.clock)
        self.recalculator = LineRecalculator(self.queue, self.groups, self.lines, clock=self.clock)
        self.leader = ReconcilerLeader(self.reconciler, Leases(mongo), self.lines.acquire_fence)
        self.runs = FinishedRunRepository(mongo, self.outbox, clock=self.clock)
        self.sync_requests = SyncRequestService(
            SyncRepository(mongo, self.outbox), IntegrationDirectory(mongo), clock=self.clock
        )
        closing = ClosingPorts(self.runs, self.manifests, self.lines, self.queue, self.sync_requests)
        self.run_closer, directory = RunCloser(closing, clock=self.clock), IntegrationDirectory(mongo)
        self.sync_completer = SyncCompleter(
            self.runs, self.lines, self.status_channel, integrations=directory, clock=self.clock
        )

    def _build_manifests(self) -> None:
        mongo = self.mongo
        self.feeds = FeedRepository(mongo, AuditLog(mongo), self.queue, announce=self.told)
        self.groups = AccountGroupLoader(mongo, {TENANT: self.calendar}, self.feeds)
        reader = ManifestReader(mongo)
        uncounted = UncountedLines(self.queue, self.groups, self.lines, clock=self.clock)
        self.comparison = FeedComparison(self.groups, reader, self.lines, uncounted, clock=self.clock)
        self.feed_breaker = FeedBreaker(
            self.feeds,
            self.comparison,
            self.manifests,
            board=self.status_channel,
            rules=FeedRules(),
            clock=self.clock,
        )
        self.manifest_ingestor = ManifestIngestor(self.manifests, wake=lambda: None)
        self.applier = ManifestApplier(
            self.manifests,
            reader,
            IntegrationDirectory(mongo),
            judge=self.feed_breaker,
            wake=lambda: None,
        )

    def clock(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)

    async def ingest(self, *news: State) -> None:
        """Hands news over as the pipeline does: in batches of one kind, in the order given."""
        self.known += [one for one in news if isinstance(one, Observation)]
        for kind, batch in groupby(news, key=type):
            ingestor = self.manifest_ingestor if issubclass(kind, AccountRead) else self.ingestor
            await ingestor.ingest(list(batch))  # type: ignore[arg-type]  # one kind, as the pipeline hands over

    def manifests_of(self, integration_id: str = VENDOR, **more: Any) -> list[AccountRead]:
        """A manifest for each account of an integration, naming what was observed last of it.

        Those of the mapped accounts are among them, also when nothing was observed there, and those that a
        thing has left.
        """
        news = [one for one in self.known if one.integration_id == integration_id]
        self.revision = 2 + max([self.revision, *(one.revision for one in news)])
        accounts = {account for account in (ACME, CO1) if account.integration_id == integration_id}
        accounts |= {account_ref(one) for one in news if isinstance(one, Counted)}
        return account_reads(
            news, sorted(accounts), **({"revision": self.revision, "read_at": self.now} | more)
        )

    async def read(self, *news: State) -> None:
        """Hands news over with the manifests that name it, and lets these count."""
        await self.ingest(*news)
        sides = {one.integration_id for one in news if isinstance(one, Counted)}
        for integration_id in sorted(sides):
            await self.ingest(*self.manifests_of(integration_id))
        await self.apply()

    async def apply(self) -> None:
        """Lets every manifest count that can."""
        while await self.applier.step():
            pass

    async def reconcile(self) -> None:
        while await self.leader.step():
            pass

    async def finish_run(self, integration_id: str = VENDOR, **run: Any) -> None:
        """Ends a run that read everything as it was observed last, until billing is done with it."""
        run_id = run.get("run_id", "run-1")
        parts = self.manifests_of(integration_id, run_id=run_id)
        await self.ingest(*parts)
        ending = a_finished_run(len(parts), integration_id=integration_id, **run)
        await self.run_closer.record([ending])
        await self.settle()

    async def settle(self) -> None:
        """Steps every job until none finds anything to do."""
        await self.apply()
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
    await world.finish_run()
    await world.finish_run(PSA, sync_id="sync-psa")
    return world
