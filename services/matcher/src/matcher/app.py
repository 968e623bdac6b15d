"""How matcher is built: every object once, opened and closed in order."""

import asyncio
from datetime import UTC, datetime, timedelta
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
from matcher.mapping_plans.application import PlanApplier
from matcher.mapping_plans.exports import ExportService
from matcher.mapping_plans.imports import ImportService
from matcher.mapping_plans.indexes import PLAN_INDEXES
from matcher.mapping_plans.jobs import plan_job
from matcher.mapping_plans.plan_routes import (
    make_apply_router,
    make_export_router,
    make_import_router,
    make_plan_router,
    make_relink_router,
)
from matcher.mapping_plans.relinks import RelinkService
from matcher.mapping_plans.repository import MongoPlans, MongoPlanStore
from matcher.mapping_plans.version_routes import make_version_list_router, make_version_router
from matcher.mapping_plans.versions import VersionService
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
from matcher.mappings.matching_settings import MatchingSettingsService
from matcher.mappings.news import announce_decisions
from matcher.mappings.recovery import MappingRecovery
from matcher.mappings.repository import MongoMappings, MongoMappingStore
from matcher.mappings.routes import make_history_router, make_mapping_list_router
from matcher.mappings.service import MappingService
from matcher.mappings.settings_routes import make_settings_router
from matcher.mappings.tenant_lock import TenantLock
from matcher.proposals.count_board import CountBoard
from matcher.proposals.engine_process import EngineProcess
from matcher.proposals.engine_version import engine_version
from matcher.proposals.handlers import subscribe_refusals
from matcher.proposals.jobs import ProposalLeader
from matcher.proposals.recomputation import ProposalRecomputation
from matcher.proposals.refusal_recovery import RefusalRecovery
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
from shared.runtime.jobs import Job
from shared.runtime.leases import Leases
from shared.runtime.lifespan import LifespanHook, create_application, service_lifespan
from shared.runtime.settings import load
from shared.status_channel import StatusChannel
from shared.web.person import Role
from shared.web.token_verification import TokenVerifier, require_role
from shared.work_queue import WORK_QUEUE_INDEXES
from shared.work_queue.former_queue import refuse_former_work

SERVICE = "matcher"
_RELINKING_IDLE = timedelta(seconds=30)
"""A change of PSA is rare, and its lists are no marketplace's: its engine keeps nothing for long."""
INDEXES = (
    *OUTBOX_INDEXES,
    *WORK_QUEUE_INDEXES,
    *CATALOGUE_INDEXES,
    *MAPPING_INDEXES,
    *FINISH_INDEXES,
    *PROPOSAL_INDEXES,
    *PLAN_INDEXES,
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
        board=StatusChannel(settings.redis),
    )


def make_app(
    mongo: Mongo,
    broker: KafkaBroker,
    verifier: TokenVerifier,
    news: NewsChannel,
    *,
    board: StatusChannel | None = None,
) -> FastAPI:
    """Builds the service from what a test may bring; without a `board` dashboards are shown no counts."""
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
    proposals, proposing = MongoProposals(mongo, outbox), _Proposing(mongo, outbox, board)
    controls = ControlJob(mongo, broker, health)
    _subscribe(broker, health, ItemIngestor(catalogue, wake.set), store=store, proposals=proposals)
    subscribe_usage(broker, UsageIngestor(MongoUncomparedUsage(mongo)), service=SERVICE, health=health)
    applier = PlanApplier(MongoPlanStore(mongo, store), _now, partial(_new_id, "ver"))
    matching = matching_job(check, ExactMatcher(store, _now), wake)
    jobs = matching, item_form_job(ItemForms(mongo)), plan_job(applier), *proposing.jobs
    refuse, relinking = partial(refuse_former_work, mongo, "marks"), EngineProcess(idle=_RELINKING_IDLE)
    lifespan = partial(
        service_lifespan,
        health=health,
        broker=broker,
        jobs=(relay.job(), controls.job(), news.job(), *jobs),
        on_startup=(refuse, partial(mongo.ensure, INDEXES), controls.load),
        on_shutdown=(relay.release, *proposing.on_shutdown, relinking.close, news.close, mongo.close),
    )
    routers = _routers(mongo, verifier, store, finishes, proposals=proposals)
    routers += _plan_routers(mongo, verifier, store, applier, engine=relinking)
    return create_application(health, lifespan, routers, broker=broker)


def _subscribe(
    broker: KafkaBroker,
    health: Health,
    ingestor: ItemIngestor,
    *,
    store: MongoMappingStore,
    proposals: MongoProposals,
) -> None:
    subscribe(broker, ingestor, service=SERVICE, health=health)
    subscribe_own(broker, MappingRecovery(store, _now), service=SERVICE, health=health)
    subscribe_refusals(broker, RefusalRecovery(proposals), service=SERVICE, health=health)


class _Proposing:
    """What computes proposals, and shows how many wait."""

    def __init__(self, mongo: Mongo, outbox: Outbox, board: StatusChannel | None) -> None:
        passes = MongoPasses(mongo, outbox, _now, engine_version=engine_version())
        engine = EngineProcess()
        recomputation = ProposalRecomputation(passes, MongoMappings(mongo), engine, _now)
        leader = ProposalLeader(recomputation, Leases(mongo))
        self.jobs: list[Job] = [leader.job()]
        self.on_shutdown: list[LifespanHook] = [leader.release, engine.close]
        if board:
            self.jobs.append(CountBoard(passes, board).job())
            self.on_shutdown.append(board.close)


def _routers(
    mongo: Mongo,
    verifier: TokenVerifier,
    store: MongoMappingStore,
    finishes: MongoFinishStore,
    *,
    proposals: MongoProposals,
) -> list[APIRouter]:
    viewer, mapper = require_role(verifier, Role.VIEWER), require_role(verifier, Role.MAPPER)
    admin = require_role(verifier, Role.ADMIN)
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
        make_settings_router(mappings, MatchingSettingsService(store, _now), viewer=viewer, admin=admin),
        make_finish_router(finishing, mapper),
        make_progress_router(finishing, progress, viewer),
        make_proposal_router(ProposalService(proposals, _now), viewer),
        make_refusal_router(ProposalService(proposals, _now), mapper),
    ]


def _plan_routers(
    mongo: Mongo,
    verifier: TokenVerifier,
    store: MongoMappingStore,
    applier: PlanApplier,
    *,
    engine: EngineProcess,
) -> list[APIRouter]:
    viewer, mapper = require_role(verifier, Role.VIEWER), require_role(verifier, Role.MAPPER)
    plans, catalogue, new_plan_id = MongoPlans(mongo), MongoCatalogue(mongo), partial(_new_id, "plan")
    versions = VersionService(plans, MongoPlanStore(mongo, store), _now, _new_id)
    return [
        make_export_router(ExportService(plans), viewer),
        make_import_router(ImportService(plans, _now, new_plan_id), mapper),
        make_relink_router(RelinkService(plans, engine, _now, new_plan_id), mapper),
        make_plan_router(plans, catalogue, viewer),
        make_apply_router(applier, mapper),
        make_version_list_router(plans, versions, catalogue, viewer),
        make_version_router(plans, versions, mapper),
    ]


def _new_id(prefix: str) -> str:
    """Returns an id that sorts by its time."""
    return f"{prefix}_{int(_now().timestamp() * 1_000_000):014x}{uuid4().hex[:8]}"


def _now() -> datetime:
    return datetime.now(UTC)
