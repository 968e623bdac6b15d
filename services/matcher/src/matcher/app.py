"""How matcher is built: every object once, opened and closed in order."""

import asyncio
from datetime import UTC, datetime
from functools import partial
from uuid import uuid4

from fastapi import APIRouter, FastAPI
from faststream.kafka import KafkaBroker

from matcher.handlers import subscribe
from matcher.jobs import matching_job
from matcher.repository import INDEXES, MongoCatalogue, MongoStore
from matcher.routes import make_router
from matcher.service.browsing import Browsing
from matcher.service.deciding import Deciding
from matcher.service.finishing import Finishing
from matcher.service.matching import Matching
from matcher.service.observing import Observing
from matcher.settings import Settings
from shared.health import Health
from shared.kafka import Publisher, make_broker
from shared.mongo import Mongo
from shared.outbox import Outbox, Relay
from shared.people import Verifier
from shared.serving import application, running
from shared.settings import load

SERVICE = "matcher"


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service as uvicorn runs it."""
    settings = settings or load(Settings)
    return make_app(Mongo(settings.mongo), make_broker(settings.kafka, SERVICE), Verifier(settings.auth))


def make_app(mongo: Mongo, broker: KafkaBroker, verifier: Verifier) -> FastAPI:
    """The same from parts that a test may bring."""
    health = Health(SERVICE)
    health.check("document store", mongo.ping)
    outbox = Outbox(mongo, SERVICE)
    relay = Relay(mongo, Publisher(broker, SERVICE), outbox)
    store, wake = MongoStore(mongo, outbox), asyncio.Event()
    subscribe(broker, Observing(store, wake.set), service=SERVICE, health=health)
    lifespan = partial(
        running,
        health=health,
        broker=broker,
        jobs=(relay.job(), matching_job(Matching(store, _now), wake)),
        starting=(partial(mongo.ensure, INDEXES),),
        closing=(relay.release, mongo.close),
    )
    return application(health, lifespan, [_people(mongo, store, verifier)], broker=broker)


def _people(mongo: Mongo, store: MongoStore, verifier: Verifier) -> APIRouter:
    return make_router(
        verifier,
        browsing=Browsing(MongoCatalogue(mongo)),
        deciding=Deciding(store, _now),
        finishing=Finishing(store, _now, _new_id),
    )


def _now() -> datetime:
    return datetime.now(UTC)


def _new_id() -> str:
    return f"fin_{uuid4().hex}"
