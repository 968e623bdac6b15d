"""Builds auth: every object once, started and closed in order."""

import time
from datetime import UTC, datetime
from functools import partial

from fastapi import FastAPI
from faststream.kafka import KafkaBroker

from auth.access.routes import ServiceAuthenticator, access_routes
from auth.access.service import AccessService
from auth.credentials.jobs import rewrap_job
from auth.credentials.sealing import Keyring, Sealer
from auth.integrations.handlers import subscribe
from auth.integrations.repository import IntegrationRepository
from auth.integrations.routes import integration_routes
from auth.integrations.service import IntegrationService
from auth.people.passwords import PasswordHasher
from auth.people.repository import PeopleRepository
from auth.people.routes import session_routes
from auth.people.service import SignInService
from auth.people.tokens import TokenSigner
from auth.providers import make_providers
from auth.settings import SYNC_SERVICES, Settings
from shared.http_client.client import Transport
from shared.kafka import ControlJob, Publisher, make_broker
from shared.mongo import Index, Mongo
from shared.news_channel import NewsChannel
from shared.outbox import OUTBOX_INDEXES, Outbox, Relay
from shared.runtime.health import Health
from shared.runtime.lifespan import create_application, service_lifespan
from shared.runtime.settings import AuthSettings, load
from shared.web.token_verification import TokenVerifier

SERVICE = "auth"
INDEXES = (
    Index("integrations", [("tenant_id", 1), ("name", 1)]),
    Index("credentials", [("sealed.kid", 1)]),
    Index("people", [("email", 1)]),
    *OUTBOX_INDEXES,
)


def create_app(settings: Settings | None = None) -> FastAPI:
    """Returns the service as uvicorn runs it."""
    settings = settings or load(Settings)
    return make_app(settings, Mongo(settings.mongo), make_broker(settings.kafka, SERVICE))


def make_app(
    settings: Settings,
    mongo: Mongo,
    broker: KafkaBroker,
    *,
    transport: Transport | None = None,
) -> FastAPI:
    """Returns the service on the given store and broker; `transport` replaces HTTP to providers in tests."""
    health, outbox = Health(SERVICE), Outbox(mongo, SERVICE)
    health.add_readiness_probe("document store", mongo.ping)
    relay = Relay(mongo, Publisher(broker, SERVICE), outbox)
    health.add_degradation_check("outbox", relay.degradation)
    news = NewsChannel(settings.redis)
    health.add_degradation_check("news", news.degradation)
    sealer = Sealer(Keyring(settings.sealing.raw_keys, settings.sealing.current))
    repository = IntegrationRepository(mongo, outbox, sealer, announce=news.announce)
    providers = make_providers(settings.outbound, transport)
    integrations = IntegrationService(repository, providers, _now)
    access = AccessService(repository, providers, _now)
    signer = _signer(settings)
    sign_in = SignInService(
        PeopleRepository(mongo), PasswordHasher(), signer, now=_now, monotonic=time.monotonic
    )
    controls = ControlJob(mongo, broker, health)
    subscribe(broker, integrations, service=SERVICE, health=health)
    lifespan = partial(
        service_lifespan,
        health=health,
        broker=broker,
        jobs=(relay.job(), controls.job(), news.job(), rewrap_job(repository.rewrap_batch)),
        # Indexes first: seeding finds the admin by e-mail address.
        on_startup=(partial(mongo.ensure, INDEXES), controls.load, partial(_seed, sign_in, settings)),
        on_shutdown=(relay.release, sign_in.close, news.close, mongo.close),
    )
    routers = [
        session_routes(sign_in),
        integration_routes(integrations, _verifier(settings, signer)),
        access_routes(access, _service_authenticator(settings)),
    ]
    return create_application(health, lifespan, routers, broker=broker)


def _signer(settings: Settings) -> TokenSigner:
    key, tokens = settings.signing_key.get_secret_value(), settings.auth
    return TokenSigner(key, tokens.issuer, tokens.lifetime)


def _verifier(settings: Settings, signer: TokenSigner) -> TokenVerifier:
    """Auth verifies with its own signer, and never asks itself for its keys: there is no URL."""
    return TokenVerifier(AuthSettings(url="", issuer=settings.auth.issuer), signer)


def _service_authenticator(settings: Settings) -> ServiceAuthenticator:
    """Every sync service has one side, so its token stands for that side."""
    tokens = settings.service_tokens.items()
    return ServiceAuthenticator({SYNC_SERVICES[name]: token.get_secret_value() for name, token in tokens})


async def _seed(sign_in: SignInService, settings: Settings) -> None:
    """Saves the tenants and the first admin as the settings name them at every start."""
    admin = settings.admin
    await sign_in.seed(settings.tenants, admin.member, admin.password.get_secret_value())


def _now() -> datetime:
    return datetime.now(UTC)
