import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from http_fakes import MILLISECOND, CountingRateLimit, Provider, an_api

from shared.errors import LongPause, TransientError, UnexpectedResponse
from shared.http_client.retry import CallPolicy
from shared.limits import hits

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


async def test_a_spent_quota_stops_everyone_and_holds_no_call() -> None:
    rate_limit, provider = CountingRateLimit(), Provider(httpx.Response(403, text=QUOTA), OK)

    async with an_api(provider, rate_limit=rate_limit) as api:
        with pytest.raises(LongPause) as raised:
            await api.get("/x")

    assert raised.value.retry_after == 18_730
    assert (rate_limit.pauses, len(provider.requests)) == ([18_730], 1)


@pytest.mark.parametrize("method", ["GET", "PATCH"])
async def test_no_call_waits_for_a_pause_of_more_than_a_minute(method: str) -> None:
    provider = Provider(httpx.Response(429, headers={"Retry-After": "61"}), OK)
    hits_before = hits().get("call-wait-seconds", 0)

    async with an_api(provider, policy=CallPolicy()) as api:
        with pytest.raises(LongPause) as raised:
            await api.request(method, "/x")

    assert (raised.value.retry_after, raised.value.status, len(provider.requests)) == (61, 429, 1)
    assert hits()["call-wait-seconds"] == hits_before + 1


async def test_a_long_pause_that_the_last_attempt_is_told_of_is_one_all_the_same() -> None:
    provider = Provider(httpx.Response(429, headers={"Retry-After": "86400"}))

    async with an_api(provider, policy=ONCE) as api:
        with pytest.raises(LongPause):
            await api.get("/x")


async def test_a_pause_of_a_minute_is_waited_for_in_the_rate_limit_however_long_a_call_may_take() -> None:
    rate_limit = CountingRateLimit()
    provider = Provider(httpx.Response(429, headers={"Retry-After": "60"}), OK)

    async with (
        an_api(
            provider, policy=CallPolicy(total_timeout=timedelta(seconds=30)), rate_limit=rate_limit
        ) as api,
        asyncio.timeout(60),
    ):
        assert await api.get("/x") == {"ok": True}

    assert (rate_limit.pauses, rate_limit.acquired) == ([60], 2)


async def test_a_rate_limit_that_lets_no_call_out_for_long_ends_the_call() -> None:
    rate_limit, provider = CountingRateLimit(), Provider(OK)
    rate_limit.refusal = LongPause("the rate limit lets no call out", retry_after=600)

    async with an_api(provider, rate_limit=rate_limit) as api:
        with pytest.raises(LongPause):
            await api.get("/x")

    assert provider.requests == []


async def test_a_fault_that_names_a_long_time_is_no_pause_of_the_whole_provider() -> None:
    provider = Provider(httpx.Response(503, headers={"Retry-After": "61"}), OK)

    async with an_api(provider, policy=CallPolicy()) as api:
        with pytest.raises(TransientError) as raised:
            await api.get("/x")

    assert not isinstance(raised.value, LongPause)
    assert (raised.value.retry_after, len(provider.requests)) == (61, 1)


async def test_a_provider_that_is_throttled_again_and_again_without_a_time_is_left_a_minute_at_most() -> None:
    rate_limit = CountingRateLimit()

    async with an_api(
        Provider(httpx.Response(429)),
        policy=CallPolicy(throttle_pause=timedelta(seconds=30), fault_pause=timedelta(seconds=5)),
        rate_limit=rate_limit,
    ) as api:
        with pytest.raises(TransientError) as raised:
            await api.get("/x")

    assert not isinstance(raised.value, LongPause)
    assert len(rate_limit.pauses) == 6
    assert max(rate_limit.pauses) <= 60


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
