"""How vendor-sync is built: every object once, opened and closed in order."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from fastapi import FastAPI
from faststream.kafka import KafkaBroker

from shared.access import Accesses
from shared.budget import Budgets
from shared.contracts import vendor_sync as contracts
from shared.contracts.base import Side, utc
from shared.health import Health
from shared.kafka import Publisher, make_broker
from shared.live import Live
from shared.mongo import Mongo
from shared.outbox import OUTBOX_INDEXES, Outbox, Relay
from shared.serving import Closing, application, running
from shared.settings import load
from shared.syncing.integrations import Integrations
from shared.syncing.observing import OBSERVATION_INDEXES
from shared.syncing.progress import Reporting
from shared.syncing.runs import RUN_INDEXES, Runs, Says
from shared.syncing.working import Tools
from vendor_sync import repository
from vendor_sync.connectors import CONNECTORS, Connections
from vendor_sync.handlers import Desk, subscribe
from vendor_sync.jobs import RunJobs
from vendor_sync.repository import Subscriptions
from vendor_sync.service.ports import Connect
from vendor_sync.service.running import VendorRun
from vendor_sync.settings import Settings

SERVICE = "vendor-sync"
INDEXES = (*OUTBOX_INDEXES, *RUN_INDEXES, *OBSERVATION_INDEXES, *repository.INDEXES)
SAYS = Says(
    contracts.RunFinished,
    contracts.CredentialsRejected,
    (contracts.AccountObserved, contracts.ServiceObserved, contracts.SubscriptionObserved),
)


@dataclass(frozen=True, slots=True)
class Parts:
    """What vendor-sync is made of besides itself; a test may bring its own."""

    mongo: Mongo
    broker: KafkaBroker
    live: Reporting
    connect: Connect
    closing: tuple[Closing, ...] = ()


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service as uvicorn runs it."""
    settings = settings or load(Settings)
    accesses = Accesses(settings.auth, settings.outbound)
    budgets = Budgets(settings.redis, settings.budget)
    live = Live(settings.redis)
    return make_app(
        Parts(
            Mongo(settings.mongo),
            make_broker(settings.kafka, SERVICE),
            live,
            Connections(accesses, budgets, CONNECTORS).open,
            closing=(accesses.aclose, budgets.close, live.close),
        )
    )


def make_app(parts: Parts) -> FastAPI:
    """The same from parts that a test may bring."""
    health = Health(SERVICE)
    health.check("document store", parts.mongo.ping)
    service = _Service(parts, health)
    return application(health, service.running, broker=parts.broker)


class _Service:
    """The jobs, and what they share."""

    def __init__(self, parts: Parts, health: Health) -> None:
        self._parts, self._health, mongo = parts, health, parts.mongo
        publisher, outbox = Publisher(parts.broker, SERVICE), Outbox(mongo, SERVICE)
        integrations = Integrations(mongo, Side.VENDOR)
        runs = Runs(mongo, integrations, outbox, SAYS)
        work = VendorRun(parts.connect, Subscriptions(mongo), _now)
        self._relay = Relay(mongo, publisher, outbox)
        self._runs = RunJobs(runs, work, Tools(mongo, publisher, parts.live), health)
        subscribe(parts.broker, Desk(integrations, runs, self._runs.wake), service=SERVICE, health=health)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with running(
            health=self._health,
            broker=self._parts.broker,
            jobs=(self._relay.job(), *self._runs.jobs),
            starting=(partial(self._parts.mongo.ensure, INDEXES),),
            closing=(self._relay.release, *self._parts.closing, self._parts.mongo.close),
        ):
            yield
            # Before the jobs are waited for: a run may have hours to go.
            self._runs.stop()


def _now() -> datetime:
    """Cut to what the document store keeps."""
    return utc(datetime.now(UTC))
