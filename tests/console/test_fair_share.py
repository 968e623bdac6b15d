"""Whoever floods the pages is refused, and takes nothing from others."""

import asyncio
from contextlib import AsyncExitStack

import httpx
import pytest
from console_env import a_status, browser_of_a_console, fake_auth, open_stream
from people import signed_in

from shared.limits import hits
from shared.runtime.settings import RedisSettings
from shared.status_channel import StatusChannel
from shared.web.person import Role
from shared.web.problems import Problem


@pytest.mark.parametrize("path", ["/", "/integrations"])
async def test_a_person_who_floods_the_pages_is_refused_and_another_is_answered_at_once(
    redis_settings: RedisSettings, path: str
) -> None:
    auth, before = fake_auth(), hits().get("person-requests", 0)
    ann, bob = (signed_in(Role.VIEWER, person_id=person_id) for person_id in ("ann", "bob"))
    auth.state.held = {ann["Authorization"]}
    async with browser_of_a_console(redis_settings, 1, auth) as browser:
        flood = [asyncio.create_task(browser.get(path, headers=ann)) for _ in range(200)]
        async with asyncio.timeout(60):
            while sum(answer.done() for answer in flood) < 192:
                await asyncio.sleep(0.01)
        colleague = await browser.get(path, headers=bob)
        auth.state.go_on.set()
        answers = await asyncio.gather(*flood)

    assert colleague.status_code == 200
    refused = [answer for answer in answers if answer.status_code == 429]
    assert [answer.status_code for answer in answers].count(200) == 8
    assert {answer.headers["retry-after"] for answer in refused} == {"1"}
    assert "Too many requests at once: try again in 1 second." in refused[0].text
    assert hits()["person-requests"] == before + 192


async def test_a_person_with_all_their_streams_open_has_a_share_for_pages(
    roomy_browser: httpx.AsyncClient, status_channel: StatusChannel
) -> None:
    headers = signed_in(Role.VIEWER, "streaming")
    await status_channel.report(a_status("streaming", done=1))
    async with AsyncExitStack() as stack:
        streams = [await open_stream(roomy_browser, stack, headers) for _ in range(16)]
        page = await roomy_browser.get("/", headers=headers)

    assert {stream.status_code for stream in streams} == {200}
    assert page.status_code == 200


async def test_a_share_is_free_again_after_each_page(browser: httpx.AsyncClient) -> None:
    headers = signed_in(Role.VIEWER)

    assert {(await browser.get("/", headers=headers)).status_code for _ in range(20)} == {200}


@pytest.mark.parametrize("path", ["/", "/integrations"])
async def test_what_auth_refuses_for_a_flood_is_passed_on_at_once(
    redis_settings: RedisSettings, path: str
) -> None:
    auth = fake_auth()
    auth.state.refusal = Problem(429, "Too many requests at once", "wait", retry_after=7)
    async with browser_of_a_console(redis_settings, 1, auth) as browser:
        answer = await browser.get(path, headers=signed_in(Role.VIEWER))

    assert (answer.status_code, answer.headers["retry-after"], auth.state.asked) == (429, "7", 1)
    assert answer.headers["content-type"].startswith("text/html")
    assert "Too many requests at once: try again in 7 seconds." in answer.text


async def test_an_auth_that_is_busy_is_told_in_our_own_words(redis_settings: RedisSettings) -> None:
    auth = fake_auth()
    auth.state.refusal = Problem(503, "Try again later", "canary of auth's inside", retry_after=3)
    async with browser_of_a_console(redis_settings, 1, auth) as browser:
        answer = await browser.get("/", headers=signed_in(Role.VIEWER))

    assert (answer.status_code, answer.headers["retry-after"], auth.state.asked) == (503, "3", 1)
    assert "This page cannot be shown at this moment: try again in 3 seconds." in answer.text
    assert "canary" not in answer.text


async def test_a_sign_in_that_is_refused_for_a_flood_is_sent_to_auth_once(
    redis_settings: RedisSettings,
) -> None:
    auth = fake_auth()
    async with browser_of_a_console(redis_settings, 1, auth) as browser:
        answer = await browser.post("/sign-in", data={"email": "ann@demo.test", "password": "often"})

    assert (answer.status_code, answer.headers["retry-after"], len(auth.state.sign_ins)) == (429, "16", 1)
