"""How billing is built: every object once, opened and closed in order."""

import asyncio
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from fastapi import APIRouter, FastAPI
from faststream.kafka import KafkaBroker

from billing.handlers import observed, results
from billing.handlers import runs as ends
from billing.jobs import Reconciler, closing_job, rechecking_job, restoring_job
from billing.models.approval import VALID_FOR
from billing.models.periods import Tenant
from billing.models.runs import PATIENCE
from billing.repository.approvals import APPROVAL_INDEXES, Approvals
from billing.repository.arrivals import ARRIVAL_INDEXES, Arrivals
from billing.repository.audit import AUDIT_INDEXES, Audit
from billing.repository.coverages import COVERAGE_INDEXES, Coverages
from billing.repository.history import History
from billing.repository.integrations import Integrations
from billing.repository.observed import OBSERVED_INDEXES, Observed
from billing.repository.rows import Rows
from billing.repository.runs import RUN_INDEXES, Runs
from billing.repository.scopes import Scopes
from billing.repository.syncs import Syncs
from billing.repository.touched import TOUCHED_INDEXES, Touched
from billing.repository.usage_lines import USAGE_LINE_INDEXES, UsageLines
from billing.routes import approvals, audit, history, runs, syncs, usage
from billing.service.approving import Approving
from billing.service.closing import Closing
from billing.service.completing import Completing
from billing.service.observing import Observing
from billing.service.reconciling import Reconciling
from billing.service.results import Results
from billing.service.syncing import Syncing
from billing.settings import Settings
from shared.health import Health
from shared.jobs import Job
from shared.kafka import Publisher, make_broker
from shared.leases import Leases
from shared.live import Live
from shared.mongo import Mongo
from shared.outbox import OUTBOX_INDEXES, Outbox, Relay
from shared.people import Verifier
from shared.serving import application, running
from shared.settings import load

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
class Rules:
    """What the operator set."""

    tenants: tuple[Tenant, ...] = ()
    run_patience: timedelta = PATIENCE
    approval_valid_for: timedelta = VALID_FOR


@dataclass(frozen=True, slots=True)
class Parts:
    """What billing is made of besides itself; a test may bring its own."""

    mongo: Mongo
    broker: KafkaBroker
    live: Live
    verifier: Verifier


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service as uvicorn runs it."""
    settings = settings or load(Settings)
    parts = Parts(
        Mongo(settings.mongo),
        make_broker(settings.kafka, SERVICE),
        Live(settings.redis),
        Verifier(settings.auth),
    )
    return make_app(parts, Rules(settings.tenants, settings.run_patience, settings.approval_valid_for))


def make_app(parts: Parts, rules: Rules = Rules()) -> FastAPI:
    """The same from parts that a test may bring."""
    billing = Billing(parts, rules)
    return application(billing.health, billing.running, billing.routers(), broker=parts.broker)


class Billing:
    """The service's objects, each once."""

    def __init__(self, parts: Parts, rules: Rules) -> None:
        self.parts, self.health = parts, Health(SERVICE)
        self.health.check("document store", parts.mongo.ping)
        self.outbox = Outbox(parts.mongo, SERVICE)
        self.relay = Relay(parts.mongo, Publisher(parts.broker, SERVICE), self.outbox)
        self.touching, self.ending = asyncio.Event(), asyncio.Event()
        self.touched, self.integrations = Touched(parts.mongo), Integrations(parts.mongo)
        self.lines = UsageLines(parts.mongo, self.outbox, Coverages(parts.mongo))
        self.audit = Audit(parts.mongo)
        self.approvals = Approvals(
            parts.mongo, self.outbox, self.audit, lines=self.lines, integrations=self.integrations
        )
        self.syncing = Syncing(Syncs(parts.mongo, self.outbox), self.integrations)
        self.approving = Approving(self.approvals, valid_for=rules.approval_valid_for)
        self._reconciles(rules)
        self._hears()

    def running(self) -> AbstractAsyncContextManager[None]:
        """Up from store to jobs, down in reverse."""
        mongo, live = self.parts.mongo, self.parts.live
        return running(
            health=self.health,
            broker=self.parts.broker,
            jobs=self._jobs(),
            starting=(partial(mongo.ensure, INDEXES),),
            closing=(self.relay.release, self.reconciler.release, live.close, mongo.close),
        )

    def routers(self) -> list[APIRouter]:
        verifier = self.parts.verifier
        return [
            usage.make_router(verifier, self.lines, self.approvals),
            history.make_router(verifier, self.lines, History(self.parts.mongo)),
            approvals.make_router(verifier, self.approving, self.approvals),
            syncs.make_router(verifier, self.syncing),
            runs.make_router(verifier, self.runs),
            audit.make_router(verifier, self.audit),
        ]

    def _reconciles(self, rules: Rules) -> None:
        mongo = self.parts.mongo
        tenants = {tenant.id: tenant for tenant in rules.tenants}
        reconciling = Reconciling(self.touched, Scopes(mongo, tenants), self.lines)
        self.reconciler = Reconciler(reconciling, Leases(mongo), self.lines.admit)
        self.runs = Runs(mongo, self.outbox)
        self.closing = Closing(
            self.runs,
            Rows(mongo),
            self.lines,
            touched=self.touched,
            patience=rules.run_patience,
        )
        self.completing = Completing(self.runs, self.lines, self.parts.live, integrations=self.integrations)

    def _hears(self) -> None:
        broker, health = self.parts.broker, self.health
        observing = Observing(
            Observed(self.parts.mongo), Arrivals(self.parts.mongo), self.touched, wake=self.touching.set
        )
        observed.register(broker, observing, health=health)
        ends.register(broker, self.closing, wake=self.ending.set, health=health)
        results.register(broker, results=Results(self.approvals), syncing=self.syncing, health=health)

    def _jobs(self) -> list[Job]:
        return [
            self.relay.job(),
            self.reconciler.job(self.touching, self.ending),
            closing_job(self.closing, self.completing, self.ending),
            restoring_job(self.completing),
            rechecking_job(self.lines, self.touched, self.touching),
        ]
