import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from http_fakes import MILLISECOND, CountingRateLimit, Provider, an_api

from shared.errors import (
    TransientError,
    UnexpectedResponse,
)
from shared.http_client.retry import CallPolicy

OK = httpx.Response(200, json={"ok": True})
ONCE = CallPolicy(attempts=1)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_a_busy_provider_is_asked_again(status: int) -> None:
    provider = Provider(httpx.Response(status), httpx.Response(status), OK)

    async with an_api(provider) as api:
        assert await api.get("/x") == {"ok": True}

    assert len(provider.requests) == 3


async def test_a_call_is_sent_at_most_six_times() -> None:
    provider = Provider(httpx.Response(503))

    async with an_api(provider) as api:
        with pytest.raises(TransientError):
            await api.get("/x")

    assert len(provider.requests) == 6


@pytest.mark.parametrize("status", [429, 503])
async def test_who_takes_every_answer_as_final_asks_once(status: int) -> None:
    provider = Provider(httpx.Response(status), OK)

    async with an_api(provider, policy=CallPolicy(answers_are_final=True)) as api:
        with pytest.raises(TransientError) as raised:
            await api.get("/x")

    assert (len(provider.requests), raised.value.status) == (1, status)


async def test_who_takes_every_answer_as_final_takes_a_garbled_one_so_as_well() -> None:
    provider = Provider(httpx.Response(200, text="{"), OK)

    async with an_api(provider, policy=CallPolicy(answers_are_final=True)) as api:
        with pytest.raises(UnexpectedResponse):
            await api.get("/x")

    assert len(provider.requests) == 1


async def test_who_takes_every_answer_as_final_asks_again_where_none_came() -> None:
    provider = Provider(httpx.ReadError("cut"), OK)
    policy = CallPolicy(answers_are_final=True, fault_pause=MILLISECOND)

    async with an_api(provider, policy=policy) as api:
        assert await api.get("/x") == {"ok": True}


@pytest.mark.parametrize("text", ['{"data": [1,', "<html>busy</html>", "", '{"x": NaN}', "[" * 50])
async def test_a_success_that_is_no_json_is_tried_again_and_then_unexpected(text: str) -> None:
    provider = Provider(httpx.Response(200, text=text))

    async with an_api(provider) as api:
        with pytest.raises(UnexpectedResponse):
            await api.get("/x")

    assert len(provider.requests) == 6


@pytest.mark.parametrize("seconds", [60, 86_400])
async def test_a_wait_longer_than_the_deadline_is_handed_to_the_caller(seconds: int) -> None:
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)
    header = str(seconds) if seconds == 60 else until
    provider = Provider(httpx.Response(429, headers={"Retry-After": header}))

    async with an_api(provider, policy=CallPolicy(total_timeout=timedelta(seconds=30))) as api:
        with pytest.raises(TransientError) as raised:
            await api.get("/x")

    assert raised.value.retry_after == pytest.approx(seconds, abs=30)
    assert len(provider.requests) == 1


async def test_retry_after_wins_over_the_floor() -> None:
    provider = Provider(httpx.Response(429, headers={"Retry-After": "0"}), OK)

    async with (
        an_api(provider, policy=CallPolicy(throttle_pause=timedelta(minutes=10))) as api,
        asyncio.timeout(60),
    ):
        assert await api.get("/x") == {"ok": True}


@pytest.mark.parametrize(
    ("status", "text", "seconds"),
    [
        (429, "Rate limit is exceeded. Try again in 27 seconds.", 27),
        (429, "Too many requests. Please try again in 30 seconds.", 30),
        (403, "Out of call volume quota. Quota will be replenished in 05:12:10.", 18_730),
    ],
)
async def test_a_wait_said_in_words_pauses_everyone(status: int, text: str, seconds: float) -> None:
    rate_limit = CountingRateLimit()

    async with an_api(Provider(httpx.Response(status, text=text)), policy=ONCE, rate_limit=rate_limit) as api:
        with pytest.raises(TransientError) as raised:
            await api.get("/x")

    assert raised.value.retry_after == seconds
    assert rate_limit.pauses == [seconds]


QUOTA = "Out of call volume quota. Quota will be replenished in 05:12:10."


async def test_a_quota_is_waited_for_in_the_rate_limit_however_long_a_call_may_take() -> None:
    rate_limit = CountingRateLimit()
    provider = Provider(httpx.Response(403, text=QUOTA), OK)

    async with (
        an_api(
            provider, policy=CallPolicy(total_timeout=timedelta(seconds=30)), rate_limit=rate_limit
        ) as api,
        asyncio.timeout(60),
    ):
        assert await api.get("/x") == {"ok": True}

    assert (rate_limit.pauses, rate_limit.acquired) == ([18_730], 2)


async def test_nobody_waits_longer_than_a_week_for_a_provider() -> None:
    rate_limit = CountingRateLimit()
    provider = Provider(httpx.Response(429, headers={"Retry-After": "999999999"}))

    async with an_api(provider, rate_limit=rate_limit) as api:
        with pytest.raises(TransientError):
            await api.get("/x")

    assert rate_limit.pauses == [7 * 24 * 3600]
    assert len(provider.requests) == 1


async def test_every_attempt_counts_against_the_rate_limit() -> None:
    rate_limit = CountingRateLimit()

    async with an_api(Provider(httpx.Response(503), OK), rate_limit=rate_limit) as api:
        await api.get("/x")

    assert rate_limit.acquired == 2
