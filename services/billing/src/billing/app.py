"""Builds billing: every object once, opened and closed in order."""

import asyncio
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial

from fastapi import APIRouter, FastAPI
from faststream.kafka import KafkaBroker

from billing.approvals import handlers as approval_handlers
from billing.approvals import routes as approval_routes
from billing.approvals.repository import APPROVAL_INDEXES, ApprovalRepository
from billing.approvals.results import WriteResultService
from billing.approvals.service import ApprovalService
from billing.audit import handlers as audit_handlers
from billing.audit import routes as audit_routes
from billing.audit.decision_log import DecisionLog
from billing.audit.repository import AUDIT_INDEXES, AuditLog
from billing.audit.statement_log import StatementLog
from billing.feeds import routes as feed_routes
from billing.feeds.jobs import feed_jobs
from billing.feeds.repository import FEED_INDEXES, FeedRepository
from billing.feeds.service import FeedBreaker
from billing.observations import handlers as observation_handlers
from billing.observations import routes as history_routes
from billing.observations.account_news import AccountNews
from billing.observations.history import HistoryRepository
from billing.observations.integrations import IntegrationDirectory
from billing.observations.jobs import applying_job
from billing.observations.manifest_applier import ManifestApplier
from billing.observations.manifest_repository import MANIFEST_INDEXES, ManifestRepository
from billing.observations.read_backs import READ_BACK_INDEXES, ReadBacks
from billing.observations.repository import OBSERVED_INDEXES, ObservationRepository
from billing.observations.service import ManifestIngestor, ObservationIngestor
from billing.reconciliation import routes as rules_routes
from billing.reconciliation.calendar_changes import CalendarChanges
from billing.reconciliation.feed_comparison import FeedComparison
from billing.reconciliation.inputs import AccountGroupLoader
from billing.reconciliation.jobs import rechecking_job
from billing.reconciliation.leader import ReconcilerLeader
from billing.reconciliation.line_recalculator import LineRecalculator
from billing.reconciliation.reconciler import Reconciler
from billing.reconciliation.rules_preview import RulesPreviewer
from billing.reconciliation.tenant_context import TenantContextLoader
from billing.reconciliation.uncounted_lines import UncountedLines
from billing.runs import handlers as run_handlers
from billing.runs import routes as run_routes
from billing.runs.jobs import closing_job, restoring_job
from billing.runs.ports import ClosingPorts
from billing.runs.repository import RUN_INDEXES, FinishedRunRepository, SyncRepository
from billing.runs.run_closer import RunCloser
from billing.runs.sync_completer import SyncCompleter
from billing.runs.sync_requests import SyncRequestService
from billing.settings import DEFAULT_RULES, BillingRules, Settings
from billing.usage import routes as usage_routes
from billing.usage.manifest_reader import ManifestReader
from billing.usage.recalculation_queue import RecalculationQueue
from billing.usage.repository import USAGE_LINE_INDEXES, UsageLineRepository
from shared.kafka import ControlJob, Publisher, make_broker
from shared.mongo import Mongo
from shared.news_channel import NewsChannel
from shared.outbox import OUTBOX_INDEXES, Outbox, Relay
from shared.runtime.health import Health
from shared.runtime.jobs import Job
from shared.runtime.leases import Leases
from shared.runtime.lifespan import LifespanHook, create_application, service_lifespan
from shared.runtime.settings import load
from shared.runtime.store_clock import StoreClock
from shared.status_channel import StatusChannel
from shared.web.token_verification import TokenVerifier
from shared.work_queue import WORK_QUEUE_INDEXES
from shared.work_queue.former_queue import refuse_former_work

SERVICE = "billing"
INDEXES = (
    *OUTBOX_INDEXES,
    *OBSERVED_INDEXES,
    *MANIFEST_INDEXES,
    *READ_BACK_INDEXES,
    *WORK_QUEUE_INDEXES,
    *USAGE_LINE_INDEXES,
    *FEED_INDEXES,
    *RUN_INDEXES,
    *APPROVAL_INDEXES,
    *AUDIT_INDEXES,
)


@dataclass(frozen=True, slots=True)
class BillingDependencies:
    """What billing is made of besides itself; a test may bring its own."""

    mongo: Mongo
    broker: KafkaBroker
    status_channel: StatusChannel
    verifier: TokenVerifier
    news: NewsChannel


def create_app(settings: Settings | None = None) -> FastAPI:
    """Returns the service as uvicorn runs it, with settings from the environment unless some are given."""
    settings = settings or load(Settings)
    dependencies = BillingDependencies(
        Mongo(settings.mongo),
        make_broker(settings.kafka, SERVICE),
        StatusChannel(settings.redis),
        TokenVerifier(settings.auth),
        NewsChannel(settings.redis),
    )
    return make_app(dependencies, settings.rules)


def make_app(dependencies: BillingDependencies, rules: BillingRules = DEFAULT_RULES) -> FastAPI:
    """Returns the service made of these dependencies; nothing is connected before its lifespan begins."""
    billing = Billing(dependencies, rules)
    return create_application(billing.health, billing.running, billing.routers(), broker=dependencies.broker)


class Billing:
    """The service's objects, each once."""

    def __init__(self, dependencies: BillingDependencies, rules: BillingRules) -> None:
        self.dependencies, self.health = dependencies, Health(SERVICE)
        mongo = dependencies.mongo
        self.health.add_readiness_probe("document store", mongo.ping)
        self.outbox = Outbox(mongo, SERVICE)
        self.relay = Relay(mongo, Publisher(dependencies.broker, SERVICE), self.outbox)
        self.parts_stored, self.work_enqueued = asyncio.Event(), asyncio.Event()
        self.run_finished = asyncio.Event()
        self.queue, self.integrations = RecalculationQueue(mongo), IntegrationDirectory(mongo)
        self.lines, self.audit = UsageLineRepository(mongo, self.outbox), AuditLog(mongo)
        announce = dependencies.news.announce
        self.feeds = FeedRepository(mongo, self.audit, self.queue, announce=announce)
        self.approvals = ApprovalRepository(
            mongo,
            self.outbox,
            self.audit,
            lines=self.lines,
            integrations=self.integrations,
            announce=announce,
        )
        self.lines.watchers.append(self.approvals)
        self.sync_requests = SyncRequestService(SyncRepository(mongo, self.outbox), self.integrations)
        self.runs = FinishedRunRepository(mongo, self.outbox)
        self.calendars = {tenant.id: tenant for tenant in rules.tenants}
        self._build_reconciliation(rules)
        self.controls = ControlJob(mongo, dependencies.broker, self.health)
        self.on_startup: tuple[LifespanHook, ...] = (
            partial(refuse_former_work, mongo, "touched"),
            partial(mongo.ensure, INDEXES),
            self.controls.load,
            partial(CalendarChanges(mongo, self.queue).enqueue, rules.tenants),
        )
        """What must be done before the service consumes."""
        self._subscribe()

    def running(self) -> AbstractAsyncContextManager[None]:
        """Returns the lifespan: up from the store to the jobs, down in reverse."""
        mongo, status_channel = self.dependencies.mongo, self.dependencies.status_channel
        return service_lifespan(
            health=self.health,
            broker=self.dependencies.broker,
            jobs=self.jobs(),
            on_startup=self.on_startup,
            on_shutdown=(
                self.relay.release,
                self.reconciler_leader.release,
                status_channel.close,
                self.dependencies.news.close,
                mongo.close,
            ),
        )

    def routers(self) -> list[APIRouter]:
        verifier, mongo = self.dependencies.verifier, self.dependencies.mongo
        history = HistoryRepository(mongo)
        return [
            usage_routes.make_router(verifier, self.lines, self.approvals, AccountNews(mongo)),
            history_routes.make_router(verifier, self.lines, history),
            approval_routes.make_router(verifier, self.approval_service, self.approvals),
            run_routes.make_router(verifier, self.runs, self.sync_requests),
            audit_routes.make_router(verifier, self.audit),
            feed_routes.make_router(verifier, self.feed_breaker, self.feeds),
            rules_routes.make_router(verifier, self.rules_previewer),
        ]

    def _build_reconciliation(self, rules: BillingRules) -> None:
        mongo = self.dependencies.mongo
        groups = AccountGroupLoader(mongo, self.calendars, self.feeds)
        reconciler = Reconciler(self.queue, groups, self.lines, AccountNews(mongo))
        self.approval_service = ApprovalService(
            self.approvals,
            LineRecalculator(self.queue, groups, self.lines),
            clock=StoreClock(mongo),
            calendars=self.calendars,
            valid_for=rules.approval_valid_for,
        )
        context = TenantContextLoader(mongo, self.feeds)
        self.rules_previewer = RulesPreviewer(groups, context, self.integrations)
        self.reconciler_leader = ReconcilerLeader(reconciler, Leases(mongo), self.lines.acquire_fence)
        self.manifests, reader = ManifestRepository(mongo, self.queue), ManifestReader(mongo)
        uncounted, board = UncountedLines(self.queue, groups, self.lines), self.dependencies.status_channel
        effects = FeedComparison(groups, reader, self.lines, uncounted)
        self.feed_breaker = FeedBreaker(self.feeds, effects, self.manifests, board=board, rules=rules.feeds)
        self.applier = ManifestApplier(
            self.manifests,
            reader,
            self.integrations,
            judge=self.feed_breaker,
            wake=self._wake_after_applying,
        )
        closing = ClosingPorts(self.runs, self.manifests, self.lines, self.queue, self.sync_requests)
        self.run_closer = RunCloser(closing, patience=rules.run_patience)
        self.sync_completer = SyncCompleter(self.runs, self.lines, board, integrations=self.integrations)

    def _subscribe(self) -> None:
        broker, mongo, health = self.dependencies.broker, self.dependencies.mongo, self.health
        observed = ObservationRepository(mongo, watcher=DecisionLog(self.audit))
        ingestor = ObservationIngestor(observed, ReadBacks(mongo), self.queue, wake=self.work_enqueued.set)
        manifest_ingestor = ManifestIngestor(self.manifests, wake=self.parts_stored.set)
        observation_handlers.register(broker, ingestor, manifest_ingestor, health=health)
        run_handlers.register(
            broker, self.run_closer, self.sync_requests, wake=self.run_finished.set, health=health
        )
        results = WriteResultService(self.approvals)
        approval_handlers.register(broker, results, health=health)
        audit_handlers.register(broker, StatementLog(mongo, self.audit), health=health)
        self.relay.undeliverable_handlers.append(results.refuse_undeliverable)
        health.add_degradation_check("outbox", self.relay.degradation)
        health.add_degradation_check("news", self.dependencies.news.degradation)

    def _wake_after_applying(self) -> None:
        self.work_enqueued.set()
        self.run_finished.set()

    def jobs(self) -> list[Job]:
        """Returns what the service does by itself, besides consuming."""
        return [
            self.relay.job(),
            self.controls.job(),
            self.dependencies.news.job(),
            applying_job(self.applier, self.parts_stored),
            *feed_jobs(self.feed_breaker),
            self.reconciler_leader.job(self.work_enqueued, self.run_finished),
            closing_job(self.run_closer, self.sync_completer, self.run_finished),
            restoring_job(self.sync_completer),
            rechecking_job(self.lines, self.queue, self.work_enqueued),
        ]
