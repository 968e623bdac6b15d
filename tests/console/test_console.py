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
from people import published_keys, signed_in, token_for
from redis.asyncio import Redis

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


@asynccontextmanager
async def browser_of_a_console(
    redis_settings: RedisSettings, events_at_once: int
) -> AsyncIterator[httpx.AsyncClient]:
    async with AsyncExitStack() as stack:
        auth = await stack.enter_async_context(serve(fake_auth()))
        settings = Settings(auth=AuthSettings(url=auth), redis=redis_settings, events_at_once=events_at_once)
        console = await stack.enter_async_context(serve(create_app(settings)))
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        client = httpx.AsyncClient(base_url=console, timeout=60, limits=limits)
        yield await stack.enter_async_context(client)


@pytest.fixture
async def browser(redis_settings: RedisSettings) -> AsyncIterator[httpx.AsyncClient]:
    """Of a console that holds one stream open."""
    async with browser_of_a_console(redis_settings, events_at_once=1) as client:
        yield client


@pytest.fixture
async def roomy_browser(redis_settings: RedisSettings) -> AsyncIterator[httpx.AsyncClient]:
    """Of a console that holds as many streams open as in production."""
    async with browser_of_a_console(redis_settings, events_at_once=500) as client:
        yield client


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


async def test_one_stream_too_many_for_the_process_is_refused_before_it_begins(
    browser: httpx.AsyncClient, status_channel: StatusChannel
) -> None:
    headers = signed_in(Role.VIEWER, "crowded")
    await status_channel.report(a_status("crowded", done=1))

    async with AsyncExitStack() as stack:
        await open_stream(browser, stack, headers)
        second = await browser.get("/events", headers=headers)

    assert (second.status_code, second.headers["retry-after"]) == (503, "30")
    assert second.json()["detail"].startswith("1 event streams are open here")


async def test_a_slot_is_free_again_once_its_stream_has_ended(
    browser: httpx.AsyncClient, status_channel: StatusChannel
) -> None:
    headers = signed_in(Role.VIEWER, "patient")
    await status_channel.report(a_status("patient", done=1))

    for _ in range(3):
        async with asyncio.timeout(60):
            while not await begins_a_stream(browser, headers):  # the console has yet to see the last one end
                await asyncio.sleep(0.01)


async def begins_a_stream(browser: httpx.AsyncClient, headers: dict[str, str]) -> bool:
    """Whether a stream was let in; it has ended when this returns."""
    async with browser.stream("GET", "/events", headers=headers) as answer:
        if answer.status_code == 200:
            await next_status(answer.aiter_lines())
        return answer.status_code == 200


async def test_110_streams_of_one_viewer_keep_no_other_tenant_out(
    roomy_browser: httpx.AsyncClient, status_channel: StatusChannel, redis_settings: RedisSettings
) -> None:
    await status_channel.report(a_status("greedy", done=1))
    await status_channel.report(a_status("modest", done=2))
    async with AsyncExitStack() as stack:
        refused = [
            await open_stream(roomy_browser, stack, signed_in(Role.VIEWER, "greedy")) for _ in range(110)
        ]
        colleague = await open_stream(roomy_browser, stack, signed_in(Role.VIEWER, "greedy", person_id="bob"))
        stranger = await open_stream(roomy_browser, stack, signed_in(Role.VIEWER, "modest"))
        async with Redis.from_url(redis_settings.url.get_secret_value()) as redis:
            counts = dict(await redis.pubsub_numsub("status:greedy", "status:modest"))

    assert [answer.status_code for answer in refused] == [200] * 8 + [429] * 102
    assert refused[-1].headers["retry-after"] == "30"
    assert (colleague.status_code, stranger.status_code) == (200, 200)
    assert counts == {b"status:greedy": 1, b"status:modest": 1}


async def test_a_tenant_has_so_many_streams_and_another_its_own(
    roomy_browser: httpx.AsyncClient, status_channel: StatusChannel
) -> None:
    for tenant_id in ("many", "few"):
        await status_channel.report(a_status(tenant_id, done=1))
    async with AsyncExitStack() as stack:
        answers = [
            await open_stream(
                roomy_browser, stack, signed_in(Role.VIEWER, "many", person_id=f"p{number // 8}")
            )
            for number in range(65)
        ]
        other = await open_stream(roomy_browser, stack, signed_in(Role.VIEWER, "few"))

    assert [answer.status_code for answer in answers] == [200] * 64 + [429]
    assert other.status_code == 200


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
