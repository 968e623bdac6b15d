"""How a sync service is built, as far as both are alike: every object once, opened and closed in order."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Generic, TypeVar

from fastapi import FastAPI
from faststream.kafka import KafkaBroker

from shared.contracts.base import Side, SyncRequested, utc
from shared.kafka import Publisher
from shared.mongo import Index, Mongo
from shared.outbox import OUTBOX_INDEXES, Outbox, Relay
from shared.runtime.health import Health
from shared.runtime.jobs import Job
from shared.runtime.lifespan import LifespanHook, create_application, service_lifespan
from shared.sync_engine.handlers import SyncHandlers, subscribe
from shared.sync_engine.integrations import IntegrationStates
from shared.sync_engine.jobs import RunJobs
from shared.sync_engine.models import IntegrationState
from shared.sync_engine.progress import StatusReporter
from shared.sync_engine.run_repository import RUN_INDEXES, MessageTypes, RunRepository
from shared.sync_engine.run_worker import OpenPublisher, RunDefinition, WorkerTools

P_co = TypeVar("P_co", covariant=True)
_INDEXES = (*OUTBOX_INDEXES, *RUN_INDEXES)


@dataclass(frozen=True, slots=True)
class SyncServiceProfile:
    """What one sync service is told apart from the other by."""

    service: str
    side: Side
    hears: type[SyncRequested]
    says: MessageTypes
    runs_at_once: int
    indexes: tuple[Index, ...] = ()
    """Of its own collections."""


@dataclass(frozen=True, slots=True)
class SyncDependencies(Generic[P_co]):
    """What a sync service is made of besides itself; a test may bring its own. `P_co`: a provider."""

    mongo: Mongo
    broker: KafkaBroker
    live: StatusReporter
    connect: Callable[[IntegrationState], AbstractAsyncContextManager[P_co]]
    publishing: OpenPublisher
    closing: tuple[LifespanHook, ...] = ()


class SyncService:
    """Hears of integrations and of runs that are wanted, and carries them."""

    def __init__(
        self, profile: SyncServiceProfile, parts: SyncDependencies[object], work: RunDefinition
    ) -> None:
        self._profile, self._parts, mongo = profile, parts, parts.mongo
        self.health = Health(profile.service)
        self.health.add_readiness_probe("document store", mongo.ping)
        self.publisher, self.outbox = Publisher(parts.broker, profile.service), Outbox(mongo, profile.service)
        self.integrations = IntegrationStates(mongo, profile.side)
        runs = RunRepository(mongo, self.integrations, self.outbox, profile.says)
        tools = WorkerTools(mongo, parts.publishing, parts.live)
        self._runs = RunJobs(runs, work, tools, health=self.health, at_once=profile.runs_at_once)
        desk = SyncHandlers(self.integrations, runs, self._runs.wake)
        subscribe(parts.broker, desk, profile.hears, service=profile.service, health=self.health)

    def app(self, *others: Job) -> FastAPI:
        """The service with these jobs besides the runs."""
        return create_application(self.health, partial(self._running, others), broker=self._parts.broker)

    @asynccontextmanager
    async def _running(self, others: tuple[Job, ...]) -> AsyncIterator[None]:
        mongo, relay = self._parts.mongo, Relay(self._parts.mongo, self.publisher, self.outbox)
        async with service_lifespan(
            health=self.health,
            broker=self._parts.broker,
            jobs=(relay.job(), *others, *self._runs.jobs),
            on_startup=(partial(mongo.ensure, (*_INDEXES, *self._profile.indexes)),),
            on_shutdown=(relay.release, *self._parts.closing, mongo.close),
        ):
            yield
            # Before the jobs are waited for: a run may have hours to go.
            self._runs.stop()


def now() -> datetime:
    """The clock of both, cut to what the document store keeps."""
    return utc(datetime.now(UTC))
