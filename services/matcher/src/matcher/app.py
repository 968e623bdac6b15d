"""How matcher is built: every object once, opened and closed in order."""

import asyncio
from datetime import UTC, datetime
from functools import partial
from uuid import uuid4

from fastapi import APIRouter, FastAPI
from faststream.kafka import KafkaBroker

from matcher.catalogue.handlers import subscribe
from matcher.catalogue.indexes import CATALOGUE_INDEXES
from matcher.catalogue.ingestor import ItemIngestor
from matcher.catalogue.item_forms import ItemForms
from matcher.catalogue.jobs import item_form_job
from matcher.catalogue.like_candidates import LikeCandidates
from matcher.catalogue.ranked_pages import RankedPages
from matcher.catalogue.rankings import ItemRankings
from matcher.catalogue.repository import MongoCatalogue
from matcher.catalogue.routes import make_catalogue_router
from matcher.catalogue.service import CatalogueService
from matcher.finishing.repository import FINISH_INDEXES, MongoFinishStore, MongoProgressReader
from matcher.finishing.routes import make_finish_router, make_progress_router
from matcher.finishing.service import FinishService, ProgressService
from matcher.mappings.acceptance import AcceptanceService
from matcher.mappings.acceptance_repository import MongoAcceptances
from matcher.mappings.batch_routes import make_accept_preview_router, make_batch_router
from matcher.mappings.decision_batches import DecisionBatchService
from matcher.mappings.decision_routes import make_decision_router, make_undo_router
from matcher.mappings.exact_matcher import ExactMatcher
from matcher.mappings.handlers import subscribe_own
from matcher.mappings.indexes import MAPPING_INDEXES
from matcher.mappings.inventory_check import InventoryCheck
from matcher.mappings.jobs import matching_job
from matcher.mappings.news import announce_decisions
from matcher.mappings.recovery import MappingRecovery
from matcher.mappings.repository import MongoMappings, MongoMappingStore
from matcher.mappings.routes import make_history_router, make_mapping_list_router
from matcher.mappings.service import MappingService
from matcher.mappings.tenant_lock import TenantLock
from matcher.proposals.engine_process import EngineProcess
from matcher.proposals.jobs import ProposalLeader
from matcher.proposals.recomputation import ProposalRecomputation
from matcher.proposals.repository import PROPOSAL_INDEXES, MongoPasses, MongoProposals
from matcher.proposals.routes import make_proposal_router, make_refusal_router
from matcher.proposals.service import ProposalService
from matcher.settings import Settings
from matcher.uncompared_usage.handlers import subscribe_usage
from matcher.uncompared_usage.ingestor import UsageIngestor
from matcher.uncompared_usage.repository import USAGE_INDEXES, MongoUncomparedUsage
from shared.kafka import ControlJob, Publisher, make_broker
from shared.mongo import Mongo
from shared.news_channel import NewsChannel
from shared.outbox import OUTBOX_INDEXES, Outbox, Relay
from shared.runtime.health import Health
from shared.runtime.leases import Leases
from shared.runtime.lifespan import create_application, service_lifespan
from shared.runtime.settings import load
from shared.web.person import Role
from shared.web.token_verification import TokenVerifier, require_role
from shared.work_queue import WORK_QUEUE_INDEXES
from shared.work_queue.former_queue import refuse_former_work

SERVICE = "matcher"
INDEXES = (
    *OUTBOX_INDEXES,
    *WORK_QUEUE_INDEXES,
    *CATALOGUE_INDEXES,
    *MAPPING_INDEXES,
    *FINISH_INDEXES,
    *PROPOSAL_INDEXES,
    *USAGE_INDEXES,
)


def create_app(settings: Settings | None = None) -> FastAPI:
    """Builds the service as uvicorn runs it."""
    settings = settings or load(Settings)
    return make_app(
        Mongo(settings.mongo),
        make_broker(settings.kafka, SERVICE),
        TokenVerifier(settings.auth),
        NewsChannel(settings.redis),
    )


def make_app(mongo: Mongo, broker: KafkaBroker, verifier: TokenVerifier, news: NewsChannel) -> FastAPI:
    """Builds the service from a database, a broker and so on, which a test may bring."""
    health, outbox = Health(SERVICE), Outbox(mongo, SERVICE)
    health.add_readiness_probe("document store", mongo.ping)
    relay = Relay(mongo, Publisher(broker, SERVICE), outbox)
    health.add_degradation_check("outbox", relay.degradation)
    lock, wake = TenantLock(mongo, outbox), asyncio.Event()
    finishes, announce = MongoFinishStore(mongo, outbox, lock), partial(announce_decisions, news.announce)
    store = MongoMappingStore(mongo, outbox, lock, finishes.finished_integrations, announce=announce)
    health.add_degradation_check("news", news.degradation)
    check = InventoryCheck(catalogue := MongoCatalogue(mongo), store, _now, wake.set)
    health.add_degradation_check("inventories", check.degradation)
    passes, engine = MongoPasses(mongo, outbox, _now), EngineProcess()
    recomputation = ProposalRecomputation(passes, MongoMappings(mongo), engine, _now)
    proposing = ProposalLeader(recomputation, Leases(mongo))
    controls, usage = ControlJob(mongo, broker, health), MongoUncomparedUsage(mongo)
    subscribe(broker, ItemIngestor(catalogue, wake.set), service=SERVICE, health=health)
    subscribe_own(broker, MappingRecovery(store, _now), service=SERVICE, health=health)
    subscribe_usage(broker, UsageIngestor(usage), service=SERVICE, health=health)
    lifespan = partial(
        service_lifespan,
        health=health,
        broker=broker,
        jobs=(
            relay.job(),
            controls.job(),
            news.job(),
            matching_job(check, ExactMatcher(store, _now), wake),
            item_form_job(ItemForms(mongo)),
            proposing.job(),
        ),
        on_startup=(
            partial(refuse_former_work, mongo, "marks"),
            partial(mongo.ensure, INDEXES),
            passes.mark_all,
            controls.load,
        ),
        on_shutdown=(relay.release, proposing.release, news.close, mongo.close),
    )
    routers = _routers(mongo, verifier, store, finishes, proposals=MongoProposals(mongo, outbox))
    return create_application(health, lifespan, routers, broker=broker)


def _routers(
    mongo: Mongo,
    verifier: TokenVerifier,
    store: MongoMappingStore,
    finishes: MongoFinishStore,
    *,
    proposals: MongoProposals,
) -> list[APIRouter]:
    viewer, mapper = require_role(verifier, Role.VIEWER), require_role(verifier, Role.MAPPER)
    mappings, decisions = MongoMappings(mongo), MappingService(store, _now)
    usage = MongoUncomparedUsage(mongo)
    rankings = ItemRankings(RankedPages(mongo), LikeCandidates(mongo), proposals, usage)
    listing = CatalogueService(MongoCatalogue(mongo), mappings, proposals, rankings)
    progress = ProgressService(MongoProgressReader(mongo), proposals, usage)
    batches = DecisionBatchService(store, _now)
    acceptances = AcceptanceService(MongoAcceptances(mongo), batches, _now)
    finishing = FinishService(finishes, _now, lambda: f"fin_{uuid4().hex}")
    return [
        make_catalogue_router(listing, viewer),
        make_mapping_list_router(mappings, listing, viewer),
        make_history_router(mappings, listing, viewer),
        make_decision_router(decisions, listing, mapper),
        make_undo_router(decisions, listing, mapper),
        make_batch_router(batches, acceptances, listing, mapper),
        make_accept_preview_router(acceptances, viewer),
        make_finish_router(finishing, mapper),
        make_progress_router(finishing, progress, viewer),
        make_proposal_router(ProposalService(proposals, _now), viewer),
        make_refusal_router(ProposalService(proposals, _now), mapper),
    ]


def _now() -> datetime:
    return datetime.now(UTC)
