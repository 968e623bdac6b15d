from decimal import Decimal

import httpx
import pytest
from http_fakes import Provider, an_api

from shared.errors import (
    Conflict,
    CredentialsRejected,
    NotFound,
    PermanentError,
    TransientError,
    UnexpectedResponse,
)
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
