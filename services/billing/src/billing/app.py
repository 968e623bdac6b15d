"""How billing is built: every object once, opened and closed in order."""

import asyncio
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from fastapi import APIRouter, FastAPI
from faststream.kafka import KafkaBroker

from billing.approvals import handlers as approval_handlers
from billing.approvals import routes as approval_routes
from billing.approvals.models import VALID_FOR
from billing.approvals.repository import APPROVAL_INDEXES, ApprovalRepository
from billing.approvals.results import WriteResultService
from billing.approvals.service import ApprovalService
from billing.audit import routes as audit_routes
from billing.audit.repository import AUDIT_INDEXES, AuditLog
from billing.observations import handlers as observation_handlers
from billing.observations import routes as history_routes
from billing.observations.history import HistoryRepository
from billing.observations.integrations import IntegrationDirectory
from billing.observations.receipts import ARRIVAL_INDEXES, Receipts
from billing.observations.repository import OBSERVED_INDEXES, ObservationRepository
from billing.observations.service import ObservationIngestor
from billing.reconciliation.inputs import AccountGroupLoader
from billing.reconciliation.jobs import rechecking_job
from billing.reconciliation.leader import ReconcilerLeader
from billing.reconciliation.reconciler import Reconciler
from billing.reconciliation.work_queue import TOUCHED_INDEXES, WorkQueue
from billing.runs import handlers as run_handlers
from billing.runs import routes as run_routes
from billing.runs import sync_routes
from billing.runs.jobs import closing_job, restoring_job
from billing.runs.models import PATIENCE
from billing.runs.repository import RUN_INDEXES, FinishedRunRepository
from billing.runs.run_closer import RunCloser
from billing.runs.run_progress import RunProgressReader
from billing.runs.sync_completer import SyncCompleter
from billing.runs.sync_repository import SyncRepository
from billing.runs.sync_requests import SyncRequestService
from billing.settings import Settings
from billing.usage import routes as usage_routes
from billing.usage.calendar import TenantCalendar
from billing.usage.coverage_repository import COVERAGE_INDEXES, CoverageRepository
from billing.usage.repository import USAGE_LINE_INDEXES, UsageLineRepository
from shared.kafka import Publisher, make_broker
from shared.mongo import Mongo
from shared.outbox import OUTBOX_INDEXES, Outbox, Relay
from shared.runtime.health import Health
from shared.runtime.jobs import Job
from shared.runtime.leases import Leases
from shared.runtime.lifespan import create_application, service_lifespan
from shared.runtime.settings import load
from shared.status_channel import StatusChannel
from shared.web.token_verification import TokenVerifier

SERVICE = "billing"
INDEXES = (
    *OUTBOX_INDEXES,
    *OBSERVED_INDEXES,
    *ARRIVAL_INDEXES,
    *TOUCHED_INDEXES,
    *USAGE_LINE_INDEXES,
    *COVERAGE_INDEXES,
    *RUN_INDEXES,
    *APPROVAL_INDEXES,
    *AUDIT_INDEXES,
)


@dataclass(frozen=True, slots=True)
class BillingRules:
    """What the operator set."""

    tenants: tuple[TenantCalendar, ...] = ()
    run_patience: timedelta = PATIENCE
    approval_valid_for: timedelta = VALID_FOR


@dataclass(frozen=True, slots=True)
class BillingDependencies:
    """What billing is made of besides itself; a test may bring its own."""

    mongo: Mongo
    broker: KafkaBroker
    live: StatusChannel
    verifier: TokenVerifier


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service as uvicorn runs it."""
    settings = settings or load(Settings)
    parts = BillingDependencies(
        Mongo(settings.mongo),
        make_broker(settings.kafka, SERVICE),
        StatusChannel(settings.redis),
        TokenVerifier(settings.auth),
    )
    return make_app(parts, BillingRules(settings.tenants, settings.run_patience, settings.approval_valid_for))


def make_app(parts: BillingDependencies, rules: BillingRules = BillingRules()) -> FastAPI:
    """The same from parts that a test may bring."""
    billing = Billing(parts, rules)
    return create_application(billing.health, billing.running, billing.routers(), broker=parts.broker)


class Billing:
    """The service's objects, each once."""

    def __init__(self, parts: BillingDependencies, rules: BillingRules) -> None:
        self.parts, self.health = parts, Health(SERVICE)
        self.health.add_readiness_probe("document store", parts.mongo.ping)
        self.outbox = Outbox(parts.mongo, SERVICE)
        self.relay = Relay(parts.mongo, Publisher(parts.broker, SERVICE), self.outbox)
        self.touching, self.ending = asyncio.Event(), asyncio.Event()
        self.touched, self.integrations = WorkQueue(parts.mongo), IntegrationDirectory(parts.mongo)
        self.lines = UsageLineRepository(parts.mongo, self.outbox, CoverageRepository(parts.mongo))
        self.audit = AuditLog(parts.mongo)
        self.approvals = ApprovalRepository(
            parts.mongo, self.outbox, self.audit, lines=self.lines, integrations=self.integrations
        )
        self.syncing = SyncRequestService(SyncRepository(parts.mongo, self.outbox), self.integrations)
        self.approving = ApprovalService(self.approvals, valid_for=rules.approval_valid_for)
        self._reconciles(rules)
        self._hears()

    def running(self) -> AbstractAsyncContextManager[None]:
        """Up from store to jobs, down in reverse."""
        mongo, live = self.parts.mongo, self.parts.live
        return service_lifespan(
            health=self.health,
            broker=self.parts.broker,
            jobs=self._jobs(),
            on_startup=(partial(mongo.ensure, INDEXES),),
            on_shutdown=(self.relay.release, self.reconciler.release, live.close, mongo.close),
        )

    def routers(self) -> list[APIRouter]:
        verifier = self.parts.verifier
        return [
            usage_routes.make_router(verifier, self.lines, self.approvals),
            history_routes.make_router(verifier, self.lines, HistoryRepository(self.parts.mongo)),
            approval_routes.make_router(verifier, self.approving, self.approvals),
            sync_routes.make_router(verifier, self.syncing),
            run_routes.make_router(verifier, self.runs),
            audit_routes.make_router(verifier, self.audit),
        ]

    def _reconciles(self, rules: BillingRules) -> None:
        mongo = self.parts.mongo
        tenants = {tenant.id: tenant for tenant in rules.tenants}
        reconciling = Reconciler(self.touched, AccountGroupLoader(mongo, tenants), self.lines)
        self.reconciler = ReconcilerLeader(reconciling, Leases(mongo), self.lines.admit)
        self.runs = FinishedRunRepository(mongo, self.outbox)
        self.closing = RunCloser(
            self.runs,
            RunProgressReader(mongo),
            self.lines,
            touched=self.touched,
            patience=rules.run_patience,
        )
        self.completing = SyncCompleter(
            self.runs, self.lines, self.parts.live, integrations=self.integrations
        )

    def _hears(self) -> None:
        broker, health = self.parts.broker, self.health
        observing = ObservationIngestor(
            ObservationRepository(self.parts.mongo),
            Receipts(self.parts.mongo),
            self.touched,
            wake=self.touching.set,
        )
        observation_handlers.register(broker, observing, health=health)
        run_handlers.register(broker, self.closing, wake=self.ending.set, health=health)
        approval_handlers.register(
            broker, results=WriteResultService(self.approvals), syncing=self.syncing, health=health
        )

    def _jobs(self) -> list[Job]:
        return [
            self.relay.job(),
            self.reconciler.job(self.touching, self.ending),
            closing_job(self.closing, self.completing, self.ending),
            restoring_job(self.completing),
            rechecking_job(self.lines, self.touched, self.touching),
        ]
