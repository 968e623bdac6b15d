"""How vendor-sync is built: what it is besides a sync service (`shared.syncing.service`)."""

from fastapi import FastAPI

from shared.access import Accesses
from shared.budget import Budgets
from shared.contracts import vendor_sync as contracts
from shared.contracts.base import Side
from shared.kafka import Fenced, make_broker
from shared.live import Live
from shared.mongo import Mongo
from shared.settings import load
from shared.syncing.runs import Says
from shared.syncing.service import Parts, Profile, SyncService, now
from vendor_sync.connectors import CONNECTORS, Connections
from vendor_sync.repository import Subscriptions
from vendor_sync.service.ports import Marketplace
from vendor_sync.service.running import VendorRun
from vendor_sync.settings import Settings

PROFILE = Profile(
    service="vendor-sync",
    side=Side.VENDOR,
    hears=contracts.SyncVendor,
    says=Says(
        contracts.RunFinished,
        contracts.CredentialsRejected,
        (contracts.AccountObserved, contracts.ServiceObserved, contracts.SubscriptionObserved),
    ),
    runs_at_once=4,  # each keeps to the budget of its own integration
)


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service as uvicorn runs it."""
    return make_app(parts_of(settings or load(Settings)))


def parts_of(settings: Settings) -> Parts[Marketplace]:
    """What the settings say it is made of."""
    accesses = Accesses(settings.auth, settings.outbound)
    budgets = Budgets(settings.redis, settings.budget)
    fenced, live = Fenced(settings.kafka, PROFILE.service), Live(settings.redis)
    return Parts(
        Mongo(settings.mongo),
        make_broker(settings.kafka, PROFILE.service),
        live,
        Connections(accesses, budgets, CONNECTORS).open,
        fenced.publishing,
        closing=(fenced.close, accesses.aclose, budgets.close, live.close),
    )


def make_app(parts: Parts[Marketplace]) -> FastAPI:
    """The same from parts that a test may bring."""
    work = VendorRun(parts.connect, Subscriptions(parts.mongo), now)
    return SyncService(PROFILE, parts, work).app()
