"""Builds the console once: the pages, what they ask, and their health."""

from functools import partial
from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from console.api import AuthApi
from console.routes import Pages, make_router
from console.settings import Settings
from shared.runtime.health import Health
from shared.runtime.lifespan import create_application, service_lifespan
from shared.runtime.settings import load
from shared.status_channel import StatusChannel
from shared.web.token_verification import TokenVerifier

_STATIC = Path(__file__).parent / "static"


def create_app(settings: Settings | None = None) -> FastAPI:
    settings = settings or load(Settings)
    health, live, auth = Health("console"), StatusChannel(settings.redis), AuthApi(settings.auth.url)
    health.add_readiness_probe("redis", live.ping)
    pages = Pages(auth, live, TokenVerifier(settings.auth), events_at_once=settings.events_at_once)

    lifespan = partial(service_lifespan, health=health, on_shutdown=[auth.close, live.close])
    app = create_application(health, lifespan, [make_router(pages)])
    app.mount("/static", StaticFiles(directory=_STATIC, check_dir=False), name="static")
    return app
