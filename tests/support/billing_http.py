"""Billing's HTTP side over a desk, in this process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from approval_env import Desk
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from people import a_verifier

from billing.approvals import routes as approval_routes
from billing.audit import routes as audit_routes
from billing.observations import routes as history_routes
from billing.observations.history import HistoryRepository
from billing.runs import routes as run_routes
from billing.runs import sync_routes
from billing.runs.repository import FinishedRunRepository
from billing.runs.sync_repository import SyncRepository
from billing.runs.sync_requests import SyncRequestService
from billing.usage import routes as usage_routes
from shared.web.problems import install_problem_handlers


@asynccontextmanager
async def an_office(desk: Desk) -> AsyncIterator[AsyncClient]:
    """A client of it."""
    transport = ASGITransport(the_app(desk))
    async with AsyncClient(transport=transport, base_url="http://billing.test") as client:
        yield client


def the_app(desk: Desk) -> FastAPI:
    """All of billing's routes."""
    app = FastAPI()
    install_problem_handlers(app)
    syncing = SyncRequestService(SyncRepository(desk.mongo, desk.outbox), desk.connected, clock=desk.clock)
    app.include_router(approval_routes.make_router(a_verifier(), desk.approving, desk.approvals))
    app.include_router(sync_routes.make_router(a_verifier(), syncing))
    app.include_router(audit_routes.make_router(a_verifier(), desk.audit))
    app.include_router(usage_routes.make_router(a_verifier(), desk.lines, desk.approvals))
    app.include_router(history_routes.make_router(a_verifier(), desk.lines, HistoryRepository(desk.mongo)))
    app.include_router(run_routes.make_router(a_verifier(), FinishedRunRepository(desk.mongo, desk.outbox)))
    return app
