"""How psa-sync is built: every object once, opened and closed in order."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from fastapi import FastAPI
from faststream.kafka import KafkaBroker

from psa_sync.connectors import CONNECTORS, Connections
from psa_sync.handlers import Desk, subscribe
from psa_sync.jobs import WriteRounds
from psa_sync.repository.todo import TODO_INDEXES, TodoLists
from psa_sync.repository.writes import WRITE_INDEXES, Writes
from psa_sync.service.ports import Connect
from psa_sync.service.running import PsaRun
from psa_sync.service.writing import Writer
from psa_sync.settings import Settings
from shared.access import Accesses
from shared.contracts import psa_sync
from shared.contracts.base import Side, utc
from shared.health import Health
from shared.jobs import Job
from shared.kafka import Publisher, make_broker
from shared.leases import Leases
from shared.live import Live
from shared.mongo import Mongo
from shared.outbox import OUTBOX_INDEXES, Outbox, Relay
from shared.serving import Closing, application, running
from shared.settings import load
from shared.syncing.integrations import Integrations
from shared.syncing.models import Known
from shared.syncing.observing import OBSERVATION_INDEXES, Fence, Observer
from shared.syncing.progress import Reporting
from shared.syncing.runs import RUN_INDEXES, Runs, Says
from shared.syncing.working import Tools, Worker

SERVICE = "psa-sync"
INDEXES = (*OUTBOX_INDEXES, *RUN_INDEXES, *OBSERVATION_INDEXES, *TODO_INDEXES, *WRITE_INDEXES)
SAYS = Says(
    psa_sync.RunFinished,
    psa_sync.CredentialsRejected,
    (psa_sync.AccountObserved, psa_sync.ProductObserved, psa_sync.AgreementLineObserved),
)
_RUNS_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Parts:
    """What psa-sync is made of besides itself; a test may bring its own."""

    mongo: Mongo
    broker: KafkaBroker
    live: Reporting
    connect: Connect
    closing: tuple[Closing, ...] = ()


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service as uvicorn runs it."""
    settings = settings or load(Settings)
    accesses = Accesses(settings.auth, settings.outbound)
    live = Live(settings.redis)
    return make_app(
        Parts(
            Mongo(settings.mongo),
            make_broker(settings.kafka, SERVICE),
            live,
            Connections(accesses, CONNECTORS).open,
            closing=(accesses.aclose, live.close),
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
        self._publisher, self._outbox = Publisher(parts.broker, SERVICE), Outbox(mongo, SERVICE)
        self._integrations = Integrations(mongo, Side.PSA)
        self._runs = Runs(mongo, self._integrations, self._outbox, SAYS)
        self._writes = Writes(mongo, self._outbox, _now)
        self._workers = {f"runs {place}": self._worker(f"runs {place}") for place in range(_RUNS_AT_ONCE)}
        self._run_jobs = [Job(name, w.step, timedelta(seconds=1)) for name, w in self._workers.items()]
        self._write_job = WriteRounds(self._writes, self._writer(), Leases(mongo), health).job()
        self._subscribe()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """A run that is going on is put down at the end, for whoever comes next."""
        mongo, relay = self._parts.mongo, Relay(self._parts.mongo, self._publisher, self._outbox)
        async with running(
            health=self._health,
            broker=self._parts.broker,
            jobs=(relay.job(), self._write_job, *self._run_jobs),
            starting=(partial(mongo.ensure, INDEXES),),
            closing=(relay.release, *self._parts.closing, mongo.close),
        ):
            yield
            for worker in self._workers.values():
                worker.stop()

    def _subscribe(self) -> None:
        def run_wanted() -> None:
            for job in self._run_jobs:
                job.wake.set()

        desk = Desk(self._integrations, self._runs, self._writes, run_wanted, self._write_job.wake.set)
        subscribe(self._parts.broker, desk, service=SERVICE, health=self._health)

    def _worker(self, name: str) -> Worker:
        tools = Tools(self._parts.mongo, self._publisher, self._parts.live)
        work = PsaRun(self._parts.connect, TodoLists(self._parts.mongo), _now)
        return Worker(self._runs, work, tools, beat=partial(self._health.beat, name))

    def _writer(self) -> Writer:
        return Writer(self._writes, self._integrations, self._parts.connect, self._observer, _now)

    def _observer(self, known: Known, lease: Fence) -> Observer:
        ids = {"tenant_id": known.tenant_id, "integration_id": known.integration_id}
        return Observer(self._parts.mongo, self._publisher, lease=lease, **ids)


def _now() -> datetime:
    """Cut to what the document store keeps."""
    return utc(datetime.now(UTC))
