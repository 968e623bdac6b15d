"""How vendor-sync is built: what it is besides a sync service (`shared.sync_engine.sync_service`)."""

from fastapi import FastAPI

from shared.contracts import vendor_sync as contracts
from shared.contracts.base import Side
from shared.http_client.access import AccessClient
from shared.http_client.rate_limit import RateLimits
from shared.kafka import FencedProducers, make_broker
from shared.mongo import Mongo
from shared.runtime.settings import load
from shared.status_channel import StatusChannel
from shared.sync_engine.run_repository import MessageTypes
from shared.sync_engine.sync_service import SyncDependencies, SyncService, SyncServiceProfile, now
from vendor_sync.connectors import CONNECTORS, MarketplaceConnections
from vendor_sync.runs.ports import Marketplace
from vendor_sync.runs.repository import DetailQueueRepository
from vendor_sync.runs.run_definition import VendorRunDefinition
from vendor_sync.settings import Settings

PROFILE = SyncServiceProfile(
    service="vendor-sync",
    side=Side.VENDOR,
    hears=contracts.SyncVendor,
    says=MessageTypes(
        contracts.VendorRunFinished,
        contracts.VendorCredentialsRejected,
        (contracts.VendorAccountObserved, contracts.ServiceObserved, contracts.SubscriptionObserved),
    ),
    runs_at_once=4,  # each keeps to the budget of its own integration
)


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service as uvicorn runs it."""
    return make_app(parts_of(settings or load(Settings)))


def parts_of(settings: Settings) -> SyncDependencies[Marketplace]:
    """What the settings say it is made of."""
    accesses = AccessClient(settings.auth, settings.outbound)
    budgets = RateLimits(settings.redis, settings.budget)
    fenced, live = FencedProducers(settings.kafka, PROFILE.service), StatusChannel(settings.redis)
    return SyncDependencies(
        Mongo(settings.mongo),
        make_broker(settings.kafka, PROFILE.service),
        live,
        MarketplaceConnections(accesses, budgets, CONNECTORS).open,
        fenced.open_publisher,
        closing=(fenced.close, accesses.aclose, budgets.close, live.close),
    )


def make_app(parts: SyncDependencies[Marketplace]) -> FastAPI:
    """The same from parts that a test may bring."""
    work = VendorRunDefinition(parts.connect, DetailQueueRepository(parts.mongo), now)
    return SyncService(PROFILE, parts, work).app()
