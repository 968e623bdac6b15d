import asyncio
import json
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from http_fakes import HASTY, CountingRateLimit, an_api
from pydantic import SecretStr

from shared.errors import (
    CredentialsRejected,
    LongPause,
    NeighbourAway,
    NotFound,
    PermanentError,
    TransientError,
)
from shared.http_client.access import AccessClient, IntegrationAccess
from shared.http_client.client import Api
from shared.http_client.retry import CallPolicy
from shared.runtime.settings import OutboundSettings, ServiceAuthSettings


class Auth:
    """Hands out tokens 1, 2, … as auth does, and a provider that takes only the latest."""

    def __init__(self, *, lasts: timedelta = timedelta(minutes=5)) -> None:
        self.lasts = lasts
        self.asked: list[dict[str, Any]] = []
        self.calls: list[str] = []
        self.refuses_all = False
        self.status, self.detail = 200, ""

    @property
    def token(self) -> str:
        return f"Bearer canary-{len(self.asked)}"

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.status != 200:
            return httpx.Response(self.status, json={"detail": self.detail})
        self.asked.append(json.loads(request.content))
        now = datetime.now(UTC)
        granted = {
            "base_url": "https://api.example/v1",
            "headers": {"Authorization": self.token},
            "generation": 1,
        }
        times = {"issued_at": now.isoformat(), "expires_at": (now + self.lasts).isoformat()}
        return httpx.Response(200, json=granted | times)

    def provider(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(request.headers["authorization"])
        refused = self.refuses_all or request.headers["authorization"] != self.token
        return httpx.Response(401 if refused else 200, json={})


@asynccontextmanager
async def connected(auth: Callable[[httpx.Request], httpx.Response], provider: Auth) -> AsyncIterator[Api]:
    async with an_api(auth, source="https://auth.example") as inner:
        source = IntegrationAccess(inner, "demo", "int_1", 1)
        transport = httpx.MockTransport(provider.provider)
        async with Api(source, outbound=OutboundSettings(), policy=HASTY, transport=transport) as api:
            yield api


async def test_access_is_asked_for_once_however_many_calls_wait() -> None:
    auth = Auth()

    async with connected(auth, auth) as api:
        await asyncio.gather(*(api.get("/x") for _ in range(10)))

    assert auth.asked == [{"tenant_id": "demo", "integration_id": "int_1", "generation": 1}]


async def test_access_is_asked_for_again_when_it_expires() -> None:
    auth = Auth(lasts=timedelta(seconds=1))

    async with connected(auth, auth) as api:
        await api.get("/x")
        await api.get("/x")

    assert len(auth.asked) == 2
    assert "rejected_after" not in auth.asked[1]


async def test_refused_access_is_renewed_once_for_all_that_used_it() -> None:
    auth = Auth()

    async with connected(auth, auth) as api:
        await api.get("/x")
        auth.asked.append({"somebody": "else signed in"})
        await asyncio.gather(*(api.get("/x") for _ in range(10)))

    assert len(auth.asked) == 3
    assert "rejected_after" in auth.asked[2]


async def test_access_that_stays_refused_is_not_renewed_twice_in_a_call() -> None:
    auth = Auth()
    auth.refuses_all = True

    async with connected(auth, auth) as api:
        with pytest.raises(CredentialsRejected):
            await api.get("/x")

    assert (len(auth.asked), len(auth.calls)) == (2, 2)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(409, CredentialsRejected), (404, NotFound), (401, PermanentError), (503, TransientError)],
)
async def test_auths_refusal_ends_the_call(status: int, kind: type[Exception]) -> None:
    auth = Auth()
    auth.status, auth.detail = status, "the marketplace refused the password"

    async with connected(auth, auth) as api:
        with pytest.raises(kind) as raised:
            await api.get("/x")

    assert type(raised.value) is kind
    assert auth.calls == []


async def test_an_answer_of_auth_that_we_do_not_know_is_not_quoted() -> None:
    def odd(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"headers": {"Authorization": "canary-1"}})

    async with connected(odd, Auth()) as api:
        with pytest.raises(PermanentError) as raised:
            await api.get("/x")

    assert "canary" not in "".join(traceback.format_exception(raised.value))


async def test_a_refusal_of_auth_without_end_is_shortened() -> None:
    def wordy(_: httpx.Request) -> httpx.Response:
        return httpx.Response(409, json={"detail": "no" * 20_000})

    async with connected(wordy, Auth()) as api:
        with pytest.raises(CredentialsRejected) as raised:
            await api.get("/x")

    assert len(raised.value.message) == 500


async def test_a_service_token_goes_to_auth_alone() -> None:
    requests: list[httpx.Request] = []

    def auth(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(404, json={"detail": "int_1 is disconnected"})

    settings = ServiceAuthSettings(url="http://127.0.0.1:8001", service_token=SecretStr("canary-token"))
    accesses = AccessClient(settings, OutboundSettings(), transport=httpx.MockTransport(auth))
    async with accesses.connected("demo", "int_1", generation=1) as api:
        with pytest.raises(NotFound, match="int_1 is disconnected"):
            await api.get("/x")
    await accesses.aclose()

    assert requests[0].headers["authorization"] == "Bearer canary-token"
    assert str(requests[0].url) == "http://127.0.0.1:8001/internal/access"


async def test_an_auth_that_does_not_answer_says_nothing_of_the_provider() -> None:
    def away(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    async with connected(away, Auth()) as api:
        with pytest.raises(NeighbourAway):
            await api.get("/x")


class ThrottledAuth:
    """Answers as auth does whose signing in the provider throttled: for the call that is named, once."""

    def __init__(self, auth: Auth, *, at_call: int, retry_after: str) -> None:
        self._auth, self._at_call, self._retry_after, self._calls = auth, at_call, retry_after, 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self._calls += 1
        if self._calls != self._at_call:
            return self._auth(request)
        return httpx.Response(503, headers={"Retry-After": self._retry_after}, json={"detail": "quota"})


@asynccontextmanager
async def throttled(auth: ThrottledAuth, provider: Auth, rate_limit: CountingRateLimit) -> AsyncIterator[Api]:
    async with an_api(auth, source="https://auth.example", policy=CallPolicy(attempts=1)) as inner:
        access = IntegrationAccess(inner, "demo", "int_1", 1)
        policy = CallPolicy(total_timeout=timedelta(seconds=30))
        async with an_api(provider.provider, source=access, rate_limit=rate_limit, policy=policy) as api:
            yield api


async def test_a_sign_in_that_is_throttled_holds_everyone_back() -> None:
    auth, rate_limit = Auth(), CountingRateLimit()

    async with throttled(ThrottledAuth(auth, at_call=1, retry_after="60"), auth, rate_limit) as api:
        assert await api.get("/x") == {}

    assert (rate_limit.pauses, rate_limit.acquired) == ([60], 2)


async def test_a_renewal_that_is_throttled_is_asked_for_again_and_refuses_no_credentials() -> None:
    auth, rate_limit = Auth(), CountingRateLimit()

    async with throttled(ThrottledAuth(auth, at_call=2, retry_after="60"), auth, rate_limit) as api:
        await api.get("/x")
        auth.asked.append({"somebody": "else signed in"})
        assert await api.get("/x") == {}

    assert rate_limit.pauses == [60]


@pytest.mark.parametrize("at_call", [1, 2], ids=["first-access", "renewal"])
async def test_a_sign_in_that_is_throttled_for_long_holds_no_call(at_call: int) -> None:
    auth, rate_limit = Auth(), CountingRateLimit()

    async with throttled(ThrottledAuth(auth, at_call=at_call, retry_after="3600"), auth, rate_limit) as api:
        if at_call == 2:
            await api.get("/x")
            auth.asked.append({"somebody": "else signed in"})
        with pytest.raises(LongPause) as raised:
            await api.get("/x")

    assert (raised.value.retry_after, rate_limit.pauses) == (3600, [3600])
