"""How auth is built: every object once, opened and closed in order."""

import time
from datetime import UTC, datetime
from functools import partial

from fastapi import FastAPI
from faststream.kafka import KafkaBroker

from auth.handlers import subscribe
from auth.jobs import rewrapping_job
from auth.models.people import Member, Passwords
from auth.models.tokens import Signer
from auth.providers import make_providers
from auth.repository import INDEXES, Keyring, MongoIntegrations, MongoPeople, Sealer
from auth.routes import Callers, internal_routes, make_router
from auth.service.connecting import Connecting
from auth.service.granting import Granting
from auth.service.signing_in import SigningIn
from auth.settings import SERVICES, Settings
from shared.health import Health
from shared.http import Transport
from shared.kafka import Publisher, make_broker
from shared.mongo import Mongo
from shared.outbox import Outbox, Relay
from shared.people import Role, Verifier
from shared.serving import application, running
from shared.settings import AuthSettings, load

SERVICE = "auth"


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
    health.check("document store", mongo.ping)
    relay = Relay(mongo, Publisher(broker, SERVICE), outbox)
    sealer = Sealer(Keyring(settings.sealing.raw, settings.sealing.current))
    integrations = MongoIntegrations(mongo, outbox, sealer)
    providers = make_providers(settings.outbound, transport)
    connecting = Connecting(integrations, providers, _now)
    granting = Granting(integrations, providers, _now)
    signer = Signer(settings.signing_key.get_secret_value(), settings.auth.issuer, settings.auth.lifetime)
    signing_in = SigningIn(MongoPeople(mongo), Passwords(), signer, now=_now, tick=time.monotonic)
    subscribe(broker, connecting, service=SERVICE, health=health)
    lifespan = partial(
        running,
        health=health,
        broker=broker,
        jobs=(relay.job(), rewrapping_job(integrations.rewrap)),
        starting=(partial(mongo.ensure, INDEXES), partial(_seed, signing_in, settings)),
        closing=(relay.release, mongo.close),
    )
    verifier = Verifier(AuthSettings(url="", issuer=settings.auth.issuer), signer)
    routers = [
        make_router(verifier, connecting, signing_in),
        internal_routes(granting, _callers(settings)),
    ]
    return application(health, lifespan, routers, broker=broker)


async def _seed(signing_in: SigningIn, settings: Settings) -> None:
    admin = settings.admin
    member = Member(admin.tenant_id, admin.email.lower(), admin.name, Role.ADMIN, "")
    await signing_in.seed(settings.tenants, member, admin.password.get_secret_value())


def _callers(settings: Settings) -> Callers:
    tokens = settings.service_tokens.items()
    return Callers({SERVICES[service]: token.get_secret_value() for service, token in tokens})


def _now() -> datetime:
    return datetime.now(UTC)
