"""How a sync service is built, as far as both are alike: every object once, opened and closed in order."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from fastapi import FastAPI
from faststream.kafka import KafkaBroker

from shared.contracts.base import Side, SyncRequested
from shared.kafka import ControlJob, Publisher
from shared.mongo import Index, Mongo
from shared.outbox import OUTBOX_INDEXES, Outbox, Relay
from shared.runtime.health import Health
from shared.runtime.jobs import Job
from shared.runtime.lifespan import LifespanHook, create_application, service_lifespan
from shared.sync_engine.handlers import SyncHandlers
from shared.sync_engine.integrations import IntegrationStates
from shared.sync_engine.jobs import RunJobs
from shared.sync_engine.models import IntegrationState
from shared.sync_engine.progress import StatusReporter
from shared.sync_engine.run_context import RunDefinition
from shared.sync_engine.run_endings import MessageTypes
from shared.sync_engine.run_repository import RUN_INDEXES, RunRepository
from shared.sync_engine.run_worker import OpenPublisher, WorkerTools
from shared.work_queue import WORK_QUEUE_INDEXES
from shared.work_queue.former_queue import refuse_former_work

P_co = TypeVar("P_co", covariant=True)
_INDEXES = (*OUTBOX_INDEXES, *RUN_INDEXES, *WORK_QUEUE_INDEXES)


@dataclass(frozen=True, slots=True)
class SyncServiceProfile:
    """What tells one sync service from the other."""

    service: str
    side: Side
    command: type[SyncRequested]
    """The command that this service consumes."""
    message_types: MessageTypes
    workers: int
    """How many runs, each of another integration, one process carries at once."""
    workers_per_tenant: int
    """How many of them may be of one tenant: fewer, for its far sides may keep them for hours."""
    indexes: tuple[Index, ...] = ()
    """Of the service's own collections."""


@dataclass(frozen=True, slots=True)
class SyncDependencies(Generic[P_co]):
    """What a sync service is made of besides itself; a test may bring its own. `P_co`: a provider."""

    mongo: Mongo
    broker: KafkaBroker
    status_channel: StatusReporter
    connect: Callable[[IntegrationState], AbstractAsyncContextManager[P_co]]
    open_publisher: OpenPublisher
    close_hooks: tuple[LifespanHook, ...] = ()


class SyncService:
    """Hears of integrations and of runs that are wanted, and carries the runs."""

    def __init__(
        self,
        profile: SyncServiceProfile,
        dependencies: SyncDependencies[object],
        definition: RunDefinition,
    ) -> None:
        self._profile, self._dependencies, mongo = profile, dependencies, dependencies.mongo
        self.health = Health(profile.service)
        self.health.add_readiness_probe("document store", mongo.ping)
        self.publisher = Publisher(dependencies.broker, profile.service)
        self.outbox = Outbox(mongo, profile.service)
        self.integrations = IntegrationStates(mongo, profile.side)
        runs = RunRepository(mongo, self.integrations, self.outbox, profile.message_types)
        self.relay = Relay(mongo, self.publisher, self.outbox)
        self.relay.undeliverable_handlers.append(runs.endings.end_undeliverable)
        self.health.add_degradation_check("outbox", self.relay.degradation)
        tools = WorkerTools(mongo, dependencies.open_publisher, dependencies.status_channel)
        self._runs = RunJobs(
            runs,
            definition,
            tools,
            health=self.health,
            workers=profile.workers,
            workers_per_tenant=profile.workers_per_tenant,
        )
        controls = ControlJob(mongo, dependencies.broker, self.health)
        self.jobs: tuple[Job, ...] = (self.relay.job(), controls.job(), *self._runs.jobs)
        self.on_startup: tuple[LifespanHook, ...] = (
            partial(refuse_former_work, mongo, "dirty"),
            partial(mongo.ensure, (*_INDEXES, *profile.indexes)),
            controls.load,
        )
        """What must be done before the service consumes."""
        handlers = SyncHandlers(self.integrations, runs, self._runs.wake)
        handlers.subscribe(dependencies.broker, profile.command, service=profile.service, health=self.health)

    def app(self, *other_jobs: Job) -> FastAPI:
        """Builds the application, with these jobs besides the runs."""
        broker = self._dependencies.broker
        return create_application(self.health, partial(self._running, other_jobs), broker=broker)

    @asynccontextmanager
    async def _running(self, other_jobs: tuple[Job, ...]) -> AsyncIterator[None]:
        mongo = self._dependencies.mongo
        async with service_lifespan(
            health=self.health,
            broker=self._dependencies.broker,
            jobs=(*self.jobs, *other_jobs),
            on_startup=self.on_startup,
            on_shutdown=(self.relay.release, *self._dependencies.close_hooks, mongo.close),
        ):
            yield
            # Before the jobs are waited for: a run may have hours to go.
            self._runs.stop()
