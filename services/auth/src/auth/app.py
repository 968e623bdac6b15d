"""How auth is built: every object once, opened and closed in order."""

import time
from datetime import UTC, datetime
from functools import partial

from fastapi import FastAPI
from faststream.kafka import KafkaBroker

from auth.access.routes import ServiceCallers, internal_routes
from auth.access.service import AccessService
from auth.credentials.jobs import rewrapping_job
from auth.credentials.sealing import Keyring, Sealer
from auth.integrations.handlers import subscribe
from auth.integrations.repository import MongoIntegrations
from auth.integrations.routes import integration_routes
from auth.integrations.service import IntegrationService
from auth.people.models import Member, PasswordHashes
from auth.people.repository import MongoPeople
from auth.people.routes import session_routes
from auth.people.service import SignInService
from auth.people.tokens import TokenSigner
from auth.providers import make_providers
from auth.settings import SERVICES, Settings
from shared.http_client.client import Transport
from shared.kafka import Publisher, make_broker
from shared.mongo import Index, Mongo
from shared.outbox import OUTBOX_INDEXES, Outbox, Relay
from shared.runtime.health import Health
from shared.runtime.lifespan import create_application, service_lifespan
from shared.runtime.settings import AuthSettings, load
from shared.web.person import Role
from shared.web.token_verification import TokenVerifier, require_role

SERVICE = "auth"
INDEXES = (
    Index("integrations", [("tenant_id", 1), ("name", 1)]),
    Index("credentials", [("sealed.kid", 1)]),
    Index("people", [("email", 1)]),
    *OUTBOX_INDEXES,
)


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service as uvicorn runs it."""
    settings = settings or load(Settings)
    return make_app(settings, Mongo(settings.mongo), make_broker(settings.kafka, SERVICE))


def make_app(
    settings: Settings,
    mongo: Mongo,
    broker: KafkaBroker,
    *,
    transport: Transport | None = None,
) -> FastAPI:
    """The same from parts that a test may bring."""
    health, outbox = Health(SERVICE), Outbox(mongo, SERVICE)
    health.add_readiness_probe("document store", mongo.ping)
    relay = Relay(mongo, Publisher(broker, SERVICE), outbox)
    sealer = Sealer(Keyring(settings.sealing.raw, settings.sealing.current))
    integrations = MongoIntegrations(mongo, outbox, sealer)
    providers = make_providers(settings.outbound, transport)
    connecting = IntegrationService(integrations, providers, _now)
    granting = AccessService(integrations, providers, _now)
    signer = TokenSigner(
        settings.signing_key.get_secret_value(), settings.auth.issuer, settings.auth.lifetime
    )
    signing_in = SignInService(MongoPeople(mongo), PasswordHashes(), signer, now=_now, tick=time.monotonic)
    subscribe(broker, connecting, service=SERVICE, health=health)
    lifespan = partial(
        service_lifespan,
        health=health,
        broker=broker,
        jobs=(relay.job(), rewrapping_job(integrations.rewrap)),
        on_startup=(partial(mongo.ensure, INDEXES), partial(_seed, signing_in, settings)),
        on_shutdown=(relay.release, mongo.close),
    )
    verifier = TokenVerifier(AuthSettings(url="", issuer=settings.auth.issuer), signer)
    viewer, admin = require_role(verifier, Role.VIEWER), require_role(verifier, Role.ADMIN)
    routers = [
        session_routes(signing_in),
        integration_routes(connecting, viewer=viewer, admin=admin),
        internal_routes(granting, _callers(settings)),
    ]
    return create_application(health, lifespan, routers, broker=broker)


async def _seed(signing_in: SignInService, settings: Settings) -> None:
    admin = settings.admin
    member = Member(admin.tenant_id, admin.email.lower(), admin.name, Role.ADMIN, "")
    await signing_in.seed(settings.tenants, member, admin.password.get_secret_value())


def _callers(settings: Settings) -> ServiceCallers:
    tokens = settings.service_tokens.items()
    return ServiceCallers({SERVICES[service]: token.get_secret_value() for service, token in tokens})


def _now() -> datetime:
    return datetime.now(UTC)
