"""How vendor-sync is built: what it is besides a sync service (`shared.sync_engine.sync_service`)."""

from datetime import timedelta

from fastapi import FastAPI

from shared.contracts import vendor_sync as contracts
from shared.contracts.base import Side
from shared.http_client.access import AccessClient
from shared.http_client.rate_limit import RateLimits
from shared.kafka import FencedProducers, make_broker
from shared.mongo import Mongo
from shared.runtime.settings import load
from shared.status_channel import StatusChannel
from shared.sync_engine.run_endings import MessageTypes
from shared.sync_engine.sync_service import SyncDependencies, SyncService, SyncServiceProfile
from vendor_sync import handlers
from vendor_sync.connectors import CONNECTORS, MarketplaceConnections
from vendor_sync.runs.account_collect import RENEWALS_LISTED_WITHIN
from vendor_sync.runs.billed_together import BilledTogether
from vendor_sync.runs.ports import Marketplace
from vendor_sync.runs.run_definition import VendorRunDefinition
from vendor_sync.runs.stores import stores_in
from vendor_sync.settings import Settings

PROFILE = SyncServiceProfile(
    service="vendor-sync",
    side=Side.VENDOR,
    command=contracts.SyncVendor,
    message_types=MessageTypes(
        contracts.VendorRunFinished,
        contracts.VendorCredentialsRejected,
        (contracts.VendorAccountObserved, contracts.ServiceObserved),
    ),
    workers=16,  # each keeps to the rate limit of its own integration, and mostly waits for it
    workers_per_tenant=4,
)


def create_app(settings: Settings | None = None) -> FastAPI:
    """Builds the service as uvicorn runs it."""
    settings = settings or load(Settings)
    return make_app(dependencies_of(settings), renewals_listed_within=settings.renewals_listed_within)


def dependencies_of(settings: Settings) -> SyncDependencies[Marketplace]:
    """Opens what the settings name: the store, Kafka, the status channel and the connections to providers."""
    access = AccessClient(settings.auth, settings.outbound)
    rate_limits = RateLimits(settings.redis, settings.budget)
    producers = FencedProducers(settings.kafka, PROFILE.service)
    status_channel = StatusChannel(settings.redis)
    return SyncDependencies(
        Mongo(settings.mongo),
        make_broker(settings.kafka, PROFILE.service),
        status_channel,
        MarketplaceConnections(access, rate_limits, CONNECTORS).open,
        producers.open_publisher,
        close_hooks=(producers.close, access.aclose, rate_limits.close, status_channel.close),
    )


def make_app(
    dependencies: SyncDependencies[Marketplace], *, renewals_listed_within: timedelta = RENEWALS_LISTED_WITHIN
) -> FastAPI:
    """Builds the service from dependencies that a test may bring."""
    return build(dependencies, renewals_listed_within=renewals_listed_within).app()


def build(
    dependencies: SyncDependencies[Marketplace],
    profile: SyncServiceProfile = PROFILE,
    *,
    renewals_listed_within: timedelta = RENEWALS_LISTED_WITHIN,
) -> SyncService:
    """Builds the service's objects."""
    definition = VendorRunDefinition(
        dependencies.connect, stores_in(dependencies.mongo), renewals_listed_within
    )
    service = SyncService(profile, dependencies, definition)
    services = BilledTogether(dependencies.mongo)
    handlers.register(dependencies.broker, services, service=profile.service, health=service.health)
    return service
