import time
from decimal import Decimal

import httpx
import pytest
from http_fakes import Provider, an_api

from shared import limits
from shared.errors import (
    Conflict,
    CredentialsRejected,
    NotFound,
    PermanentError,
    TransientError,
    UnexpectedResponse,
)
from shared.http_client.access_source import Access, FixedAccess
from shared.http_client.retry import CallPolicy

ONCE = CallPolicy(attempts=1)


async def test_json_fractions_are_exact() -> None:
    async with an_api(Provider(httpx.Response(200, text='{"quantity": 0.1}'))) as api:
        assert await api.get("/x") == {"quantity": Decimal("0.1")}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, PermanentError),
        (401, CredentialsRejected),
        (403, CredentialsRejected),
        (404, NotFound),
        (409, Conflict),
        (302, UnexpectedResponse),
        (429, TransientError),
        (500, TransientError),
        (503, TransientError),
        (408, TransientError),
        (524, TransientError),
    ],
)
async def test_a_status_says_what_to_do(status: int, kind: type[Exception]) -> None:
    async with an_api(Provider(httpx.Response(status, json={"message": "so it is"})), policy=ONCE) as api:
        with pytest.raises(kind) as raised:
            await api.get("/x")

    assert type(raised.value) is kind
    assert "GET api.example/base/x" in str(raised.value)
    assert getattr(raised.value, "status", None) == status


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            '{"status":400,"error":"Bad Request","message":"No entity has been found"}',
            "No entity has been found",
        ),
        ('{"error":"invalid_marketplace"}', "invalid_marketplace"),
        (
            '{"code":"InvalidObject","message":"no","errors":[{"message":"id is required."}]}',
            "no; id is required.",
        ),
        ('{"errors":["IntegrationCode is invalid"]}', "IntegrationCode is invalid"),
        ('{"message":"no \\u001b[2Jsuch\\nthing"}', "no \ufffd[2Jsuch thing"),
        ("Cannot route. Codebase/company is invalid", "Cannot route. Codebase/company is invalid"),
        ("", ""),
    ],
)
async def test_the_far_sides_words_are_found_in_every_known_shape(body: str, message: str) -> None:
    async with an_api(Provider(httpx.Response(400, text=body))) as api:
        answer = await api.request("GET", "/x")

    assert (answer.status, answer.message) == (400, message)


async def test_a_redirect_is_not_followed() -> None:
    provider = Provider(httpx.Response(307, headers={"Location": "https://me:pw@elsewhere.example/x?key=1"}))

    async with an_api(provider) as api:
        with pytest.raises(UnexpectedResponse, match=r"redirects to elsewhere\.example: ") as raised:
            await api.get("/x")

    assert len(provider.requests) == 1
    assert "pw" not in str(raised.value)


WEEK_SECONDS = 7 * 24 * 3600


@pytest.mark.parametrize(
    ("header", "words", "seconds"),
    [
        ("30", "", 30.0),
        ("1.5", "", 1.5),
        ("999999999", "", WEEK_SECONDS),
        ("9" * 60_000, "", WEEK_SECONDS),
        ("-5", "", None),
        ("NaN", "", None),
        ("soon", "", None),
        ("Fri, 31 Dec 9999 23:59:59 GMT", "", WEEK_SECONDS),
        ("Mon, 01 Jan 0001 00:00:00 +2359", "", 0.0),
        ("Mon, 01 Jan 0001 00:00:00 GMT", "", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 -99999999999999", "", None),
        ("Mon, 99 Foo 99999 99:99:99 GMT", "", None),
        ("", "Try again in 7 seconds", 7.0),
        ("", f"Try again in {'9' * 6_000} seconds", WEEK_SECONDS),
        ("", "Quota is replenished in 05:00:01", 18_001.0),
        ("", f"Quota is replenished in {'9' * 6_000}:00:00", WEEK_SECONDS),
        ("", "x" * 9_000 + " again in 7 seconds", None),
    ],
)
async def test_a_pause_that_a_provider_asks_for_is_a_week_at_most(
    header: str, words: str, seconds: float | None
) -> None:
    headers = {"Retry-After": header} if header else {}
    async with an_api(Provider(httpx.Response(404, headers=headers, text=words))) as api:
        answer = await api.request("GET", "/x")

    assert answer.retry_after == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    "part", ["again in ", "replenished in 1", "1", "again in 1", " ", "replenished in 1:11:"]
)
async def test_words_without_end_are_looked_at_in_their_beginning_only(part: str) -> None:
    since = time.process_time()
    async with an_api(Provider(httpx.Response(429, text=part * 50_000)), policy=ONCE) as api:
        with pytest.raises(TransientError):
            await api.get("/x")

    assert time.process_time() - since < 0.5


@pytest.mark.parametrize(
    ("answer", "limit"),
    [
        (httpx.Response(400, text="no " * 3_000), "non-json-bytes"),
        (httpx.Response(302, headers={"Location": f"https://a.example/{'x' * 9_000}"}), "header-characters"),
    ],
    ids=["words", "location"],
)
async def test_words_that_are_cut_are_counted(answer: httpx.Response, limit: str) -> None:
    before = limits.hits().get(limit, 0)

    async with an_api(Provider(answer), policy=ONCE) as api:
        with pytest.raises(PermanentError):
            await api.get("/x")

    assert limits.hits()[limit] == before + 1


async def test_json_is_read_whole_and_no_limit_on_words_is_hit() -> None:
    before = limits.hits().get("non-json-bytes", 0)

    async with an_api(Provider(httpx.Response(400, json={"message": "no " * 3_000})), policy=ONCE) as api:
        with pytest.raises(PermanentError):
            await api.get("/x")

    assert limits.hits().get("non-json-bytes", 0) == before


@pytest.mark.parametrize(
    "location",
    [
        "/login?token=pw",
        "//[bad/pw",
        "https://me:p@w:pw@elsewhere.example/pw",
        "https://a.example/" + "pw" * 20_000,
    ],
)
async def test_of_a_redirect_nothing_but_the_host_is_quoted(location: str) -> None:
    async with an_api(Provider(httpx.Response(302, headers={"Location": location}))) as api:
        with pytest.raises(
            UnexpectedResponse, match=r"redirects to (another path|elsewhere.example|a.example): "
        ) as raised:
            await api.get("/x")

    assert "pw" not in str(raised.value)


async def test_half_a_secret_is_not_quoted_where_the_words_are_cut() -> None:
    secret = "canary" * 300
    access = FixedAccess(Access("https://api.example/base", {"Authorization": f"Bearer {secret}"}))

    async with an_api(Provider(httpx.Response(400, text=secret * 100)), source=access) as api:
        answer = await api.request("GET", "/x")

    assert "canary" not in answer.message


async def test_a_success_that_is_too_deep_is_refused_at_once_and_an_error_is_not() -> None:
    deep = "[" * 200 + "]" * 200
    provider = Provider(httpx.Response(200, text=deep), httpx.Response(404, text=deep))

    async with an_api(provider) as api:
        with pytest.raises(UnexpectedResponse, match="answered with JSON of more than 64 levels"):
            await api.get("/x")
        with pytest.raises(NotFound):
            await api.get("/x")

    assert len(provider.requests) == 2
