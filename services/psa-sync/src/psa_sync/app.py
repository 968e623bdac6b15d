"""How psa-sync is built: what it is besides a sync service (`shared.syncing.service`)."""

from fastapi import FastAPI

from psa_sync.connectors import CONNECTORS, Connections
from psa_sync.handlers import WriteDesk, subscribe
from psa_sync.jobs import WriteRounds
from psa_sync.repository.todo import TODO_INDEXES, TodoLists
from psa_sync.repository.writes import WRITE_INDEXES, Writes
from psa_sync.service.ports import Psa
from psa_sync.service.running import PsaRun
from psa_sync.service.writing import Writer
from psa_sync.settings import Settings
from shared.access import Accesses
from shared.contracts import psa_sync as contracts
from shared.contracts.base import Side
from shared.kafka import Fenced, make_broker
from shared.leases import Leases
from shared.live import Live
from shared.mongo import Mongo
from shared.settings import load
from shared.syncing.models import Known
from shared.syncing.observing import Fence, Observer
from shared.syncing.runs import Says
from shared.syncing.service import Parts, Profile, SyncService, now

PROFILE = Profile(
    service="psa-sync",
    side=Side.PSA,
    hears=contracts.SyncPsa,
    says=Says(
        contracts.RunFinished,
        contracts.CredentialsRejected,
        (contracts.AccountObserved, contracts.ProductObserved, contracts.AgreementLineObserved),
    ),
    runs_at_once=2,
    indexes=(*TODO_INDEXES, *WRITE_INDEXES),
)


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service as uvicorn runs it."""
    return make_app(parts_of(settings or load(Settings)))


def parts_of(settings: Settings) -> Parts[Psa]:
    """What the settings say it is made of."""
    accesses = Accesses(settings.auth, settings.outbound)
    fenced, live = Fenced(settings.kafka, PROFILE.service), Live(settings.redis)
    return Parts(
        Mongo(settings.mongo),
        make_broker(settings.kafka, PROFILE.service),
        live,
        Connections(accesses, CONNECTORS).open,
        fenced.publishing,
        closing=(fenced.close, accesses.aclose, live.close),
    )


def make_app(parts: Parts[Psa]) -> FastAPI:
    """The same from parts that a test may bring."""
    work = PsaRun(parts.connect, TodoLists(parts.mongo), now)
    service = SyncService(PROFILE, parts, work)
    # Writing back, which a PSA alone has: the command is heard, and carried out in rounds.
    writes = Writes(parts.mongo, service.outbox, now)
    writer = _writer(service, parts, writes)
    job = WriteRounds(writes, writer, Leases(parts.mongo), service.health).job()
    subscribe(parts.broker, WriteDesk(writes, job.wake.set), service=PROFILE.service, health=service.health)
    return service.app(job)


def _writer(service: SyncService, parts: Parts[Psa], writes: Writes) -> Writer:
    def observer(known: Known, lease: Fence) -> Observer:
        ids = {"tenant_id": known.tenant_id, "integration_id": known.integration_id}
        return Observer(parts.mongo, service.publisher, lease=lease, **ids)

    return Writer(writes, service.integrations, parts.connect, observer, now)
