"""The console over real HTTP, with a fake auth and a real status channel."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fastapi import FastAPI, Request
from http_server import serve
from people import published_keys, token_for

from console.app import create_app
from console.settings import Settings
from shared.contracts.base import Outcome
from shared.runtime.settings import AuthSettings, RedisSettings
from shared.status_channel import RunStatus
from shared.web.person import Role
from shared.web.problems import Problem, install_problem_handlers

INTEGRATION = {
    "integration_id": "int_1",
    "side": "vendor",
    "provider": "ingram-micro",
    "name": "Ingram <Micro>",
    "status": "pending",
    "connected_at": "2026-03-02T10:00:00Z",
}


def fake_auth() -> FastAPI:
    """Auth with one person, whose password is `right`, and one integration.

    It keeps those waiting whose authorization is in `held`, until `go_on` is set, and refuses to list the
    integrations with `refusal` if there is one.
    """
    app = FastAPI()
    install_problem_handlers(app)

    @app.get("/.well-known/jwks.json")
    async def keys() -> dict[str, object]:
        return published_keys()

    app.state.sign_ins = []

    @app.post("/sessions", status_code=201)
    async def sign_in(request: Request) -> dict[str, str]:
        body = await request.json()
        address = request.headers.get("x-forwarded-for")
        app.state.sign_ins.append({"address": address, "device_token": body["device_token"]})
        if body["password"] == "often":
            raise Problem(429, "Too many attempts", "Try again in 16 seconds.", retry_after=16)
        if body["password"] != "right":
            raise Problem(401, "Not signed in", "e-mail or password is wrong")
        expires_at = datetime.now(UTC) + timedelta(minutes=10)
        return {
            "token": token_for(Role.ADMIN),
            "expires_at": expires_at.isoformat(),
            "device_token": f"device {len(app.state.sign_ins)}",
        }

    app.state.held, app.state.go_on = set(), asyncio.Event()
    app.state.refusal, app.state.asked = None, 0

    @app.get("/integrations")
    async def integrations(request: Request) -> dict[str, list[dict[str, str]]]:
        app.state.asked += 1
        if app.state.refusal:
            raise app.state.refusal
        if request.headers["authorization"] in app.state.held:
            await app.state.go_on.wait()
        return {"integrations": [INTEGRATION]}

    return app


@asynccontextmanager
async def browser_of_a_console(
    redis_settings: RedisSettings, events_at_once: int, auth_app: FastAPI | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    async with AsyncExitStack() as stack:
        auth = await stack.enter_async_context(serve(auth_app or fake_auth()))
        settings = Settings(auth=AuthSettings(url=auth), redis=redis_settings, events_at_once=events_at_once)
        console = await stack.enter_async_context(serve(create_app(settings)))
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        client = httpx.AsyncClient(base_url=console, timeout=60, limits=limits)
        yield await stack.enter_async_context(client)


def a_status(tenant_id: str, done: int, outcome: Outcome | None = None) -> RunStatus:
    return RunStatus(
        tenant_id=tenant_id,
        integration_id="int_1",
        run_id="run_1",
        sync_id="syn_1",
        phase="details",
        done=done,
        total=20,
        outcome=outcome,
    )


async def next_status(lines: AsyncIterator[str]) -> dict[str, object]:
    """The next status document of an event stream."""
    async for line in lines:
        if line.startswith("data: "):
            return dict(json.loads(line.removeprefix("data: ")))
    pytest.fail("the stream ended")


async def open_stream(
    browser: httpx.AsyncClient, stack: AsyncExitStack, headers: dict[str, str]
) -> httpx.Response:
    """Opens a stream until the stack closes; if it was let in, its first status has come."""
    answer = await stack.enter_async_context(browser.stream("GET", "/events", headers=headers))
    lines = answer.aiter_lines()
    stack.callback(lambda: lines)  # kept, for the stream ends with whoever reads it
    if answer.status_code == 200:
        await next_status(lines)
    return answer
