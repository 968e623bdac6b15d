import asyncio
from contextlib import AsyncExitStack

import httpx
from console_env import a_status, next_status, open_stream
from people import signed_in
from redis.asyncio import Redis

from shared.contracts.base import Outcome
from shared.runtime.settings import RedisSettings
from shared.status_channel import StatusChannel
from shared.web.person import Role


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

    assert [answer.status_code for answer in refused] == [200] * 16 + [429] * 94
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
