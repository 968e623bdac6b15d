"""Builds the console once: the pages, what they ask, and their health."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from console.api import AuthApi
from console.routes import Pages, make_router
from console.settings import Settings
from shared import problems
from shared.health import Health
from shared.live import Live
from shared.people import Verifier
from shared.serving import running
from shared.settings import load

_STATIC = Path(__file__).parent / "static"


def create_app(settings: Settings | None = None) -> FastAPI:
    settings = settings or load(Settings)
    health, live, auth = Health("console"), Live(settings.redis), AuthApi(settings.auth.url)
    health.check("redis", live.ping)
    pages = Pages(auth, live, Verifier(settings.auth), events_at_once=settings.events_at_once)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with running(health=health, closing=[auth.close, live.close]):
            yield

    app = FastAPI(title="Trueup console", lifespan=lifespan, docs_url=None, redoc_url=None)
    problems.install(app)
    app.mount("/static", StaticFiles(directory=_STATIC, check_dir=False), name="static")
    app.include_router(health.router())
    app.include_router(make_router(pages))
    return app
