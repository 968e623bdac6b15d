"""How psa-sync is built: what it is besides a sync service (`shared.sync_engine.sync_service`)."""

from fastapi import FastAPI

from psa_sync.connectors import CONNECTORS, PsaConnections
from psa_sync.runs.ports import PsaConnection
from psa_sync.runs.repository import TODO_INDEXES, AgreementQueueRepository
from psa_sync.runs.run_definition import PsaRunDefinition
from psa_sync.settings import Settings
from psa_sync.writes.handlers import WriteHandlers, subscribe
from psa_sync.writes.jobs import WriteJob
from psa_sync.writes.repository import WRITE_INDEXES, WriteRepository
from psa_sync.writes.writer import QuantityWriter
from shared.contracts import psa_sync as contracts
from shared.contracts.base import Side
from shared.http_client.access import AccessClient
from shared.kafka import FencedProducers, make_broker
from shared.mongo import Mongo
from shared.runtime.leases import Leases
from shared.runtime.settings import load
from shared.status_channel import StatusChannel
from shared.sync_engine.change_publisher import ChangePublisher, LeaseFence
from shared.sync_engine.models import IntegrationState
from shared.sync_engine.run_repository import MessageTypes
from shared.sync_engine.sync_service import SyncDependencies, SyncService, SyncServiceProfile, now

PROFILE = SyncServiceProfile(
    service="psa-sync",
    side=Side.PSA,
    hears=contracts.SyncPsa,
    says=MessageTypes(
        contracts.PsaRunFinished,
        contracts.PsaCredentialsRejected,
        (contracts.PsaAccountObserved, contracts.ProductObserved, contracts.AgreementLineObserved),
    ),
    runs_at_once=2,
    indexes=(*TODO_INDEXES, *WRITE_INDEXES),
)


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service as uvicorn runs it."""
    return make_app(parts_of(settings or load(Settings)))


def parts_of(settings: Settings) -> SyncDependencies[PsaConnection]:
    """What the settings say it is made of."""
    accesses = AccessClient(settings.auth, settings.outbound)
    fenced, live = FencedProducers(settings.kafka, PROFILE.service), StatusChannel(settings.redis)
    return SyncDependencies(
        Mongo(settings.mongo),
        make_broker(settings.kafka, PROFILE.service),
        live,
        PsaConnections(accesses, CONNECTORS).open,
        fenced.open_publisher,
        closing=(fenced.close, accesses.aclose, live.close),
    )


def make_app(parts: SyncDependencies[PsaConnection]) -> FastAPI:
    """The same from parts that a test may bring."""
    work = PsaRunDefinition(parts.connect, AgreementQueueRepository(parts.mongo), now)
    service = SyncService(PROFILE, parts, work)
    # Writing back, which a PSA alone has: the command is heard, and carried out in rounds.
    writes = WriteRepository(parts.mongo, service.outbox, now)
    writer = _writer(service, parts, writes)
    job = WriteJob(writes, writer, Leases(parts.mongo), service.health).job()
    subscribe(
        parts.broker, WriteHandlers(writes, job.wake.set), service=PROFILE.service, health=service.health
    )
    return service.app(job)


def _writer(
    service: SyncService, parts: SyncDependencies[PsaConnection], writes: WriteRepository
) -> QuantityWriter:
    def observer(known: IntegrationState, lease: LeaseFence) -> ChangePublisher:
        ids = {"tenant_id": known.tenant_id, "integration_id": known.integration_id}
        return ChangePublisher(parts.mongo, service.publisher, lease=lease, **ids)

    return QuantityWriter(writes, service.integrations, parts.connect, observer, now)
