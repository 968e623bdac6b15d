"""How matcher is built: every object once, opened and closed in order."""

import asyncio
from datetime import UTC, datetime
from functools import partial
from uuid import uuid4

from fastapi import APIRouter, FastAPI
from faststream.kafka import KafkaBroker

from matcher.catalogue.ingestor import ItemIngestor
from matcher.catalogue.repository import MongoCatalogue
from matcher.catalogue.routes import browsing_routes
from matcher.catalogue.service import CatalogueService
from matcher.finishing.routes import finishing_routes
from matcher.finishing.service import FinishService
from matcher.handlers import subscribe
from matcher.jobs import matching_job
from matcher.mappings.exact_matcher import ExactMatcher
from matcher.mappings.indexes import INDEXES
from matcher.mappings.repository import MongoMatcherStore
from matcher.mappings.routes import deciding_routes
from matcher.mappings.service import MappingService
from matcher.settings import Settings
from shared.kafka import Publisher, make_broker
from shared.mongo import Mongo
from shared.outbox import Outbox, Relay
from shared.runtime.health import Health
from shared.runtime.lifespan import create_application, service_lifespan
from shared.runtime.settings import load
from shared.web.person import Role
from shared.web.token_verification import TokenVerifier, require_role

SERVICE = "matcher"


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service as uvicorn runs it."""
    settings = settings or load(Settings)
    return make_app(Mongo(settings.mongo), make_broker(settings.kafka, SERVICE), TokenVerifier(settings.auth))


def make_app(mongo: Mongo, broker: KafkaBroker, verifier: TokenVerifier) -> FastAPI:
    """The same from parts that a test may bring."""
    health = Health(SERVICE)
    health.add_readiness_probe("document store", mongo.ping)
    outbox = Outbox(mongo, SERVICE)
    relay = Relay(mongo, Publisher(broker, SERVICE), outbox)
    store, wake = MongoMatcherStore(mongo, outbox), asyncio.Event()
    subscribe(broker, ItemIngestor(store, wake.set), service=SERVICE, health=health)
    lifespan = partial(
        service_lifespan,
        health=health,
        broker=broker,
        jobs=(relay.job(), matching_job(ExactMatcher(store, _now), wake)),
        on_startup=(partial(mongo.ensure, INDEXES),),
        on_shutdown=(relay.release, mongo.close),
    )
    return create_application(health, lifespan, _routers(mongo, store, verifier), broker=broker)


def _routers(mongo: Mongo, store: MongoMatcherStore, verifier: TokenVerifier) -> list[APIRouter]:
    """Viewers may look, mappers decide; each in their own tenant only, which their token names."""
    viewer, mapper = require_role(verifier, Role.VIEWER), require_role(verifier, Role.MAPPER)
    browsing = CatalogueService(MongoCatalogue(mongo))
    return [
        browsing_routes(browsing, viewer),
        deciding_routes(MappingService(store, _now), browsing, mapper),
        finishing_routes(FinishService(store, _now, _new_id), mapper),
    ]


def _now() -> datetime:
    return datetime.now(UTC)


def _new_id() -> str:
    return f"fin_{uuid4().hex}"
