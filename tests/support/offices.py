"""Billing's HTTP side over a desk, in this process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from deciding import Desk
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from people import a_verifier

from billing.repository.history import History
from billing.repository.runs import Runs
from billing.repository.syncs import Syncs
from billing.routes import approvals, audit, history, runs, syncs, usage
from billing.service.syncing import Syncing
from shared.problems import install


@asynccontextmanager
async def an_office(desk: Desk) -> AsyncIterator[AsyncClient]:
    """A client of it."""
    transport = ASGITransport(the_app(desk))
    async with AsyncClient(transport=transport, base_url="http://billing.test") as client:
        yield client


def the_app(desk: Desk) -> FastAPI:
    """All of billing's routes."""
    app = FastAPI()
    install(app)
    syncing = Syncing(Syncs(desk.mongo, desk.outbox), desk.connected, clock=desk.clock)
    app.include_router(approvals.make_router(a_verifier(), desk.approving, desk.approvals))
    app.include_router(syncs.make_router(a_verifier(), syncing))
    app.include_router(audit.make_router(a_verifier(), desk.audit))
    app.include_router(usage.make_router(a_verifier(), desk.lines, desk.approvals))
    app.include_router(history.make_router(a_verifier(), desk.lines, History(desk.mongo)))
    app.include_router(runs.make_router(a_verifier(), Runs(desk.mongo, desk.outbox)))
    return app
