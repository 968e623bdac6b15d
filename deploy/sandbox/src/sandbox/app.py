"""Builds the sandbox as one ASGI application."""

from fastapi import FastAPI

from sandbox import control
from sandbox.clock import Clock, utc_now
from sandbox.provider_middleware import ProviderMiddleware
from sandbox.settings import Settings
from sandbox.world import make_world


def create_app(settings: Settings, clock: Clock = utc_now) -> FastAPI:
    """Return both providers and the control API over a freshly seeded world, kept as `app.state.world`."""
    world = make_world(settings, clock)
    app = FastAPI(title="Trueup sandbox", docs_url=None, redoc_url=None)
    app.state.world = world
    app.include_router(control.router)

    @app.get("/health/ready")
    async def ready() -> dict[str, str]:
        return {"status": "ready"}

    app.add_middleware(ProviderMiddleware, world=world)
    return app
