"""Builds the console: its pages, the client of auth, the status channel and its health."""

from functools import partial
from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from console.api import AuthApi
from console.pages import Pages
from console.routes import make_router
from console.settings import Settings
from console.stream_slots import StreamSlots
from shared.runtime.health import Health
from shared.runtime.lifespan import create_application, service_lifespan
from shared.runtime.settings import load
from shared.status_channel import StatusChannel
from shared.status_hub import StatusHub
from shared.web.token_verification import TokenVerifier

_STATIC = Path(__file__).parent / "static"


def create_app(settings: Settings | None = None) -> FastAPI:
    """Returns the service as uvicorn runs it."""
    settings = settings or load(Settings)
    health, status_channel = Health("console"), StatusChannel(settings.redis)
    auth = AuthApi(settings.auth.url)
    hub = StatusHub(status_channel)
    health.add_readiness_probe("redis", status_channel.ping)
    health.add_degradation_check("status channel", status_channel.degradation)
    pages = Pages(auth, status_channel, TokenVerifier(settings.auth))
    router = make_router(pages, hub, StreamSlots(settings.events_at_once))

    lifespan = partial(
        service_lifespan, health=health, on_shutdown=[auth.close, hub.close, status_channel.close]
    )
    app = create_application(health, lifespan, [router])
    # `itemSchema`, by which FastAPI describes the items of an event stream, came with OpenAPI 3.2.
    app.openapi_version = "3.2.0"
    # `build.mjs` fills the folder at set-up; without it the pages still work, only without looks and scripts.
    app.mount("/static", StaticFiles(directory=_STATIC, check_dir=False), name="static")
    return app
