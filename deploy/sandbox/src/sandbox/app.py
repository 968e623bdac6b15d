"""The sandbox as one ASGI application."""

from fastapi import FastAPI

from sandbox import control
from sandbox.clock import Clock, utc_now
from sandbox.gate import Gate
from sandbox.settings import Settings
from sandbox.world import make_world


def create_app(settings: Settings, clock: Clock = utc_now) -> FastAPI:
    """Both providers and the control API over a freshly seeded world, which is `app.state.world`."""
    world = make_world(settings, clock)
    app = FastAPI(title="Trueup sandbox", docs_url=None, redoc_url=None)
    app.state.world = world
    app.include_router(control.router)
    app.add_api_route("/health/ready", _ready, methods=["GET"])
    app.add_middleware(Gate, world=world)
    return app


async def _ready() -> dict[str, str]:
    return {"status": "ready"}
