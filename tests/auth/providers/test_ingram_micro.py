import base64
import json
from datetime import timedelta

import httpx
import pytest
from http_fakes import raw_server
from provider_fakes import CANARIES, FakeProviders, an_ingram

from auth.providers.ingram_micro import IngramMicroProvider
from shared.errors import CredentialsRejected, TransientError, UnexpectedResponse
from shared.runtime.settings import OutboundSettings
from shared.web.problems import Problem

TOKEN, CUSTOMERS = "/marketplace/na/token", "/marketplace/na/customers"


def provider(providers: FakeProviders) -> IngramMicroProvider:
    return IngramMicroProvider(OutboundSettings(), providers.transport)


async def test_credentials_are_proven_by_a_token_and_the_newest_customers() -> None:
    providers = FakeProviders()

    await provider(providers).check(an_ingram())

    token, customers = providers.calls
    basic = base64.b64encode(b"acme.api:canary-password").decode()
    assert (token.headers["authorization"], json.loads(token.content)) == (
        f"Basic {basic}",
        {"marketplace": "us"},
    )
    assert token.headers["x-subscription-key"] == customers.headers["x-subscription-key"] == "canary-sub-key"
    assert str(customers.url) == "https://api.cloud.im/marketplace/na/customers?offset=0&limit=5"
    assert customers.headers["authorization"].startswith("Bearer eyJ")


@pytest.mark.parametrize(
    ("path", "status", "message", "fields"),
    [
        (TOKEN, 401, "Access denied due to invalid subscription key.", {"subscription_key"}),
        (TOKEN, 401, "Bad credentials", {"username", "password"}),
        (TOKEN, 401, "", {"username", "password", "subscription_key"}),
        (TOKEN, 400, "Marketplace 'xx' is not available", {"marketplace"}),
        (TOKEN, 403, "Forbidden", {"username", "password", "marketplace"}),
        (TOKEN, 404, "Resource not found", {"base_url"}),
        (TOKEN, 302, "", {"base_url"}),
        (CUSTOMERS, 403, "Access is denied", {"username", "marketplace"}),
        (CUSTOMERS, 404, "Resource not found", {"base_url"}),
    ],
)
async def test_the_fields_that_can_be_wrong_are_named(
    path: str, status: int, message: str, fields: set[str]
) -> None:
    providers = FakeProviders()
    text = json.dumps({"message": message}) if message else ""
    providers.replies[path] = httpx.Response(status, text=text, headers={"Location": "https://x.example"})

    with pytest.raises(Problem) as raised:
        await provider(providers).check(an_ingram())

    assert raised.value.status == 422
    assert {error.name for error in raised.value.fields} == fields
    assert message in raised.value.detail


async def test_a_missing_region_is_hinted_at() -> None:
    with pytest.raises(Problem) as raised:
        await provider(FakeProviders()).check(an_ingram(base_url="https://api.cloud.im/marketplace/"))

    assert "it normally ends in a region such as /na or /eu" in raised.value.fields[0].reason


@pytest.mark.parametrize("path", [TOKEN, CUSTOMERS])
@pytest.mark.parametrize("quota", ["Out of call volume quota. Quota will be replenished in 05:12:10.", ""])
async def test_throttling_is_not_taken_for_wrong_credentials(path: str, quota: str) -> None:
    providers = FakeProviders()
    providers.replies[path] = httpx.Response(
        403 if quota else 429, text=quota, headers={"Retry-After": "300"}
    )

    with pytest.raises(TransientError) as raised:
        await provider(providers).check(an_ingram())

    assert raised.value.retry_after == 300


@pytest.mark.parametrize(
    ("base_url", "reason"),
    [
        ("http://api.cloud.im/marketplace/na", "https:// is needed"),
        ("https://127.0.0.1/marketplace/na", "only public addresses"),
        ("https://169.254.169.254/marketplace/na", "only public addresses"),
        ("https://[::ffff:10.0.0.1]/marketplace/na", "only public addresses"),
        ("https://me:pw@api.cloud.im/marketplace/na", "leave them out"),
        ("https://me:pw/marketplace/na", "cannot be read"),
        ("api.cloud.im/marketplace/na", "names no host"),
    ],
)
async def test_an_address_that_may_not_be_called_is_a_wrong_base_url(base_url: str, reason: str) -> None:
    with pytest.raises(Problem, match=reason) as raised:
        await IngramMicroProvider(OutboundSettings()).check(an_ingram(base_url=base_url))

    assert (raised.value.status, raised.value.fields[0].name) == (422, "base_url")
    assert "pw" not in raised.value.detail


async def test_a_host_that_nothing_answers_at_is_a_wrong_base_url() -> None:
    providers = FakeProviders()
    providers.replies[TOKEN] = httpx.ConnectError("api.cloud.example cannot be looked up")

    with pytest.raises(Problem, match="cannot be looked up") as raised:
        await provider(providers).check(an_ingram())

    assert raised.value.fields[0].name == "base_url"


async def test_a_host_that_is_no_marketplace_is_a_wrong_base_url() -> None:
    providers = FakeProviders()
    providers.replies[TOKEN] = httpx.Response(200, text="<html>Welcome</html>")

    with pytest.raises(Problem) as raised:
        await provider(providers).check(an_ingram())

    assert [error.name for error in raised.value.fields] == ["base_url"]


async def test_the_sandbox_is_reached_by_its_exact_origin() -> None:
    refusal = b'HTTP/1.1 401 No\r\nContent-Length: 29\r\n\r\n{"message":"Bad credentials"}'

    async with raw_server(refusal) as (origin, heard):
        outside = OutboundSettings(allowed_origins=(origin,))
        with pytest.raises(Problem, match="Bad credentials"):
            await IngramMicroProvider(outside).check(an_ingram(base_url=f"{origin}/marketplace/na"))

    assert heard[0].startswith(b"POST /marketplace/na/token HTTP/1.1")


@pytest.mark.parametrize("secret", CANARIES[:2])
async def test_a_provider_that_echoes_secrets_is_not_quoted(secret: str) -> None:
    providers = FakeProviders()
    providers.replies[TOKEN] = httpx.Response(401, json={"message": f"no user acme.api with {secret}"})

    with pytest.raises(Problem) as raised:
        await provider(providers).check(an_ingram())

    assert "no user acme.api with ***" in raised.value.detail
    assert secret not in f"{raised.value.detail} {raised.value.fields}"


@pytest.mark.parametrize(("seconds", "lasts"), [(1500, 1440), (60, 54), (100, 90)])
async def test_access_ends_shortly_before_the_token_does(seconds: int, lasts: int) -> None:
    providers = FakeProviders()
    providers.replies[TOKEN] = httpx.Response(
        200, json={"token": "t-0123456789", "expiresInSeconds": seconds}
    )

    session = await provider(providers).open_session(an_ingram(), None)

    assert session.lifetime == timedelta(seconds=lasts)
    assert session.headers["Authorization"] == "Bearer t-0123456789"
    assert "t-0123456789" not in repr(session)


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_a_refused_sign_in_is_not_repeated(status: int) -> None:
    providers = FakeProviders()
    providers.replies[TOKEN] = httpx.Response(status, json={"message": "Bad credentials"})

    with pytest.raises(CredentialsRejected, match="Bad credentials"):
        await provider(providers).open_session(an_ingram(), None)

    assert providers.paths == [f"POST {TOKEN}"]


@pytest.mark.parametrize(
    "body",
    [{}, [], {"token": "t"}, {"token": 1, "expiresInSeconds": 5}, {"token": "t", "expiresInSeconds": 0}],
)
async def test_a_token_answer_of_another_shape_is_unexpected(body: object) -> None:
    providers = FakeProviders()
    providers.replies[TOKEN] = httpx.Response(200, json=body)

    with pytest.raises(UnexpectedResponse):
        await provider(providers).open_session(an_ingram(), None)


@pytest.mark.parametrize("seconds", ["86400", "86401", str(10**20), "9" * 40])
async def test_no_token_is_believed_to_live_longer_than_a_day(seconds: str) -> None:
    providers = FakeProviders()
    providers.replies[TOKEN] = httpx.Response(200, text=f'{{"token": "t", "expiresInSeconds": {seconds}}}')

    session = await provider(providers).open_session(an_ingram(), None)

    assert session.lifetime == timedelta(seconds=86_400 - 60)


@pytest.mark.parametrize(
    "seconds", ["1e20", "-5", "NaN", '"1500"', "true", "1E+9999999", "9" * 5_000, "null", "[1]", "1500.5"]
)
async def test_a_life_that_is_no_time_is_unexpected(seconds: str) -> None:
    providers = FakeProviders()
    providers.replies[TOKEN] = httpx.Response(200, text=f'{{"token": "t", "expiresInSeconds": {seconds}}}')

    with pytest.raises(UnexpectedResponse, match=r"POST api\.cloud\.im/marketplace/na/token"):
        await provider(providers).open_session(an_ingram(), None)


async def test_a_token_too_long_for_a_header_is_unexpected() -> None:
    providers = FakeProviders()
    providers.replies[TOKEN] = httpx.Response(200, json={"token": "t" * 9_000, "expiresInSeconds": 1500})

    with pytest.raises(UnexpectedResponse, match="a token of more than 8,192 characters"):
        await provider(providers).open_session(an_ingram(), None)


@pytest.mark.parametrize("path", [TOKEN, CUSTOMERS])
async def test_a_server_that_answers_megabytes_is_not_the_api(path: str) -> None:
    providers = FakeProviders()
    providers.replies[path] = httpx.Response(200, content=b"[" + b"1.5," * 500_000 + b"1]")

    with pytest.raises(Problem, match="answered with more than") as raised:
        await provider(providers).check(an_ingram())

    assert [error.name for error in raised.value.fields] == ["base_url"]
