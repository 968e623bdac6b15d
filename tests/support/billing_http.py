"""Billing's HTTP side over an approval environment, in this process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from approval_env import ApprovalEnv
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from people import a_verifier

from billing.approvals import routes as approval_routes
from billing.audit import routes as audit_routes
from billing.observations import routes as history_routes
from billing.observations.account_news import AccountNews
from billing.observations.history import HistoryRepository
from billing.runs import routes as run_routes
from billing.runs.repository import FinishedRunRepository, SyncRepository
from billing.runs.sync_requests import SyncRequestService
from billing.usage import routes as usage_routes
from shared.web.problems import install_problem_handlers


@asynccontextmanager
async def billing_client(env: ApprovalEnv) -> AsyncIterator[AsyncClient]:
    """Yields a client of billing."""
    transport = ASGITransport(_app(env))
    async with AsyncClient(transport=transport, base_url="http://billing.test") as client:
        yield client


def _app(env: ApprovalEnv) -> FastAPI:
    """Returns an application with all of billing's routes."""
    app = FastAPI()
    install_problem_handlers(app)
    verifier = a_verifier()
    sync_requests = SyncRequestService(SyncRepository(env.mongo, env.outbox), env.connected, clock=env.clock)
    runs = FinishedRunRepository(env.mongo, env.outbox)
    app.include_router(approval_routes.make_router(verifier, env.service, env.approvals))
    app.include_router(audit_routes.make_router(verifier, env.audit))
    app.include_router(usage_routes.make_router(verifier, env.lines, env.approvals, AccountNews(env.mongo)))
    app.include_router(history_routes.make_router(verifier, env.lines, HistoryRepository(env.mongo)))
    app.include_router(run_routes.make_router(verifier, runs, sync_requests))
    return app
