"""The console over real HTTP, with a fake auth and a real status channel."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fastapi import FastAPI, Request
from http_server import serve
from people import published_keys, signed_in, token_for
from pydantic import SecretStr

from console.app import create_app
from console.settings import Settings
from shared.contracts.base import Outcome
from shared.runtime.settings import AuthSettings, RedisSettings
from shared.status_channel import RunStatus, StatusChannel
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
    """Auth with one person, whose password is `right`, and one integration."""
    app = FastAPI()
    install_problem_handlers(app)

    @app.get("/.well-known/jwks.json")
    async def keys() -> dict[str, object]:
        return published_keys()

    @app.post("/sessions", status_code=201)
    async def sign_in(request: Request) -> dict[str, str]:
        if (await request.json())["password"] != "right":
            raise Problem(401, "Not signed in", "e-mail or password is wrong")
        expires_at = datetime.now(UTC) + timedelta(minutes=10)
        return {"token": token_for(Role.ADMIN), "expires_at": expires_at.isoformat()}

    @app.get("/integrations")
    async def integrations() -> dict[str, list[dict[str, str]]]:
        return {"integrations": [INTEGRATION]}

    return app


@pytest.fixture
async def browser(redis_settings: RedisSettings) -> AsyncIterator[httpx.AsyncClient]:
    async with AsyncExitStack() as stack:
        auth = await stack.enter_async_context(serve(fake_auth()))
        settings = Settings(
            auth=AuthSettings(url=auth),
            redis=RedisSettings(url=SecretStr(redis_settings.url.get_secret_value())),
            events_at_once=1,
        )
        console = await stack.enter_async_context(serve(create_app(settings)))
        yield await stack.enter_async_context(httpx.AsyncClient(base_url=console, timeout=60))


@pytest.fixture
async def status_channel(redis_settings: RedisSettings) -> AsyncIterator[StatusChannel]:
    channel = StatusChannel(redis_settings)
    yield channel
    await channel.close()


async def sign_in(browser: httpx.AsyncClient) -> httpx.Response:
    """Signs Ann in; the browser keeps her cookie."""
    return await browser.post("/sign-in", data={"email": "ann@demo.test", "password": "right"})


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


async def test_who_is_not_signed_in_is_sent_to_the_sign_in_page(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/")

    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in"
    assert (await browser.get("/sign-in")).status_code == 200


async def test_a_wrong_password_is_answered_and_no_cookie_is_set(browser: httpx.AsyncClient) -> None:
    answer = await browser.post("/sign-in", data={"email": "ann@demo.test", "password": "wrong"})

    assert answer.status_code == 401
    assert "e-mail or password is wrong" in answer.text
    assert "set-cookie" not in answer.headers
    assert 'value="wrong"' not in answer.text


async def test_the_session_is_kept_from_scripts_and_other_sites(browser: httpx.AsyncClient) -> None:
    cookie = (await sign_in(browser)).headers["set-cookie"]

    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()


async def test_the_page_shows_integrations_with_their_progress(
    browser: httpx.AsyncClient, status_channel: StatusChannel
) -> None:
    await sign_in(browser)
    await status_channel.report(a_status("demo", done=5))

    page = (await browser.get("/")).text

    assert "Ingram &lt;Micro&gt;" in page
    assert "5 of 20" in page
    assert 'value="25"' in page


async def test_the_stream_begins_with_the_present_status_and_goes_on(
    browser: httpx.AsyncClient, status_channel: StatusChannel
) -> None:
    await status_channel.report(a_status("streamed", done=1))
    headers = signed_in(Role.VIEWER, "streamed")

    async with browser.stream("GET", "/events", headers=headers) as answer:
        lines = answer.aiter_lines()
        statuses = [await next_status(lines)]
        await status_channel.report(a_status("streamed", done=2))
        statuses.append(await next_status(lines))
        await status_channel.report(a_status("streamed", done=2, outcome=Outcome.COMPLETE))
        statuses.append(await next_status(lines))

    assert [(status["done"], status["outcome"]) for status in statuses] == [
        (1, None),
        (2, None),
        (2, "complete"),
    ]
    assert answer.headers["content-type"].startswith("text/event-stream")


async def next_status(lines: AsyncIterator[str]) -> dict[str, object]:
    """The next status document of an event stream."""
    async for line in lines:
        if line.startswith("data: "):
            return dict(json.loads(line.removeprefix("data: ")))
    pytest.fail("the stream ended")


async def test_a_stream_needs_a_token(browser: httpx.AsyncClient) -> None:
    assert (await browser.get("/events")).status_code == 401


async def test_one_stream_too_many_is_asked_to_come_back(
    browser: httpx.AsyncClient, status_channel: StatusChannel
) -> None:
    headers = signed_in(Role.VIEWER, "crowded")
    await status_channel.report(a_status("crowded", done=1))

    async with browser.stream("GET", "/events", headers=headers) as first:
        await next_status(first.aiter_lines())
        second = await browser.get("/events", headers=headers)

    assert "too many streams" in second.text
    assert "retry: 30000" in second.text
