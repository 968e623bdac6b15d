"""How psa-sync is built: what it is besides a sync service (`shared.sync_engine.sync_service`)."""

from datetime import timedelta
from functools import partial

from fastapi import FastAPI

from psa_sync.connectors import CONNECTORS, PsaConnections
from psa_sync.runs.ports import PsaConnection
from psa_sync.runs.repository import CollectQueueRepository
from psa_sync.runs.run_definition import PsaRunDefinition
from psa_sync.settings import Settings
from psa_sync.writes.handlers import WriteHandlers, refuse_undeliverable_result
from psa_sync.writes.intent import LONGEST_REQUEST_LIFE
from psa_sync.writes.jobs import WriteJobs
from psa_sync.writes.repository import WRITE_INDEXES, WriteRepository
from psa_sync.writes.restores import WriteRestores
from psa_sync.writes.writer import QuantityWriter
from shared.contracts import psa_sync as contracts
from shared.contracts.base import Side
from shared.http_client.access import AccessClient
from shared.http_client.rate_limit import RateLimits
from shared.kafka import FencedProducers, make_broker
from shared.kafka.database_positions import positions_of
from shared.mongo import Mongo
from shared.runtime.jobs import Job
from shared.runtime.leases import Leases
from shared.runtime.settings import load
from shared.runtime.store_clock import StoreClock
from shared.status_channel import StatusChannel
from shared.sync_engine.change_publisher import ChangePublisher, LeaseFence
from shared.sync_engine.manifest_publisher import ManifestPublisher
from shared.sync_engine.models import IntegrationState
from shared.sync_engine.run_endings import MessageTypes
from shared.sync_engine.sync_service import SyncDependencies, SyncService, SyncServiceProfile

PROFILE = SyncServiceProfile(
    service="psa-sync",
    side=Side.PSA,
    command=contracts.SyncPsa,
    message_types=MessageTypes(
        contracts.PsaRunFinished,
        contracts.PsaCredentialsRejected,
        (contracts.PsaAccountObserved, contracts.ProductObserved),
    ),
    workers=8,  # mostly waiting for a PSA
    workers_per_tenant=2,
    indexes=WRITE_INDEXES,
)


def create_app(settings: Settings | None = None) -> FastAPI:
    """Builds the service as uvicorn runs it."""
    settings = settings or load(Settings)
    return make_app(dependencies_of(settings), request_life=settings.request_life)


def dependencies_of(settings: Settings) -> SyncDependencies[PsaConnection]:
    """Opens what the settings name: the store, Kafka, the status channel and the connections to providers."""
    access = AccessClient(settings.auth, settings.outbound)
    rate_limits = RateLimits(settings.redis, settings.budget)
    producers = FencedProducers(settings.kafka, PROFILE.service)
    status_channel = StatusChannel(settings.redis)
    return SyncDependencies(
        Mongo(settings.mongo),
        make_broker(settings.kafka, PROFILE.service),
        status_channel,
        PsaConnections(access, rate_limits, CONNECTORS).open,
        producers.open_publisher,
        close_hooks=(producers.close, access.aclose, rate_limits.close, status_channel.close),
    )


def make_app(
    dependencies: SyncDependencies[PsaConnection], *, request_life: timedelta = LONGEST_REQUEST_LIFE
) -> FastAPI:
    """Builds the service from dependencies that a test may bring."""
    service, write_jobs = build(dependencies, request_life=request_life)
    return service.app(*write_jobs)


def build(
    dependencies: SyncDependencies[PsaConnection],
    profile: SyncServiceProfile = PROFILE,
    *,
    request_life: timedelta = LONGEST_REQUEST_LIFE,
) -> tuple[SyncService, tuple[Job, ...]]:
    """Builds the service's objects, and the jobs that write back, which a PSA alone has."""
    manifests = ManifestPublisher(dependencies.mongo, contracts.PsaAccountRead)
    definition = PsaRunDefinition(dependencies.connect, CollectQueueRepository(dependencies.mongo), manifests)
    service = SyncService(profile, dependencies, definition)
    service.relay.undeliverable_handlers.append(refuse_undeliverable_result)
    # The command is stored, and carried out by jobs.
    clock = StoreClock(dependencies.mongo)
    writes = WriteRepository(dependencies.mongo, service.outbox, clock)
    restores = WriteRestores(dependencies.mongo, clock)
    writer = QuantityWriter(
        writes,
        restores,
        service.integrations,
        dependencies.connect,
        partial(_open_changes, dependencies.mongo, service),
        clock,
        request_life,
    )
    positions_of(dependencies.broker).restore_hooks.append(restores.note)
    write_jobs = WriteJobs(writes, writer, Leases(dependencies.mongo), service.health)
    handlers = WriteHandlers(writes, write_jobs.wake)
    handlers.subscribe(dependencies.broker, service=profile.service, health=service.health)
    return service, write_jobs.jobs


def _open_changes(
    mongo: Mongo, service: SyncService, integration: IntegrationState, lease: LeaseFence
) -> ChangePublisher:
    return ChangePublisher(
        mongo,
        service.publisher,
        tenant_id=integration.tenant_id,
        integration_id=integration.integration_id,
        lease=lease,
    )
