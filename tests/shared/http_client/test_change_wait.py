"""A change goes out soon after its call began, or not at all: what it was decided on grows old."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from clocks import MonotonicClock, standing_still
from http_fakes import (
    HASTY,
    MILLISECOND,
    CountingRateLimit,
    Provider,
    RenewableAccess,
    an_api,
    renewable_access,
)

from shared.errors import CredentialsRejected, NotFound, TransientError
from shared.http_client.access import IntegrationAccess
from shared.http_client.access_source import Access
from shared.http_client.client import Api
from shared.http_client.retry import CHANGE_WAIT
from shared.runtime.settings import OutboundSettings

OK = httpx.Response(200, json={"ok": True})
IMPATIENT = replace(HASTY, change_wait=MILLISECOND, renew_on=frozenset({401, 404}))
TOO_LONG = CHANGE_WAIT.total_seconds() + 1


async def patched_in_vain(api: Api) -> None:
    """Sends a change that certainly was not made."""
    with pytest.raises(TransientError, match="nothing was changed") as raised:
        await api.request("PATCH", "/x", json=[])

    assert type(raised.value) is TransientError


class ClosedRateLimit(CountingRateLimit):
    """Lets no call out before it is cancelled."""

    async def acquire(self) -> None:
        await asyncio.Event().wait()


class SlowAccess(RenewableAccess):
    """Access that never comes: `current`, or `renewed`."""

    def __init__(self, never: str) -> None:
        super().__init__(Access("https://api.example", {}))
        self._never = never

    async def current(self) -> Access:
        return await (asyncio.Future() if self._never == "current" else super().current())

    async def renew(self, refused: Access) -> Access | None:
        return await (asyncio.Future() if self._never == "renewed" else super().renew(refused))


async def test_a_change_that_the_rate_limit_holds_back_is_not_sent() -> None:
    provider = Provider(OK)

    async with an_api(provider, rate_limit=ClosedRateLimit(), policy=IMPATIENT) as api:
        await patched_in_vain(api)

    assert provider.requests == []


async def test_a_change_whose_access_takes_long_is_not_sent() -> None:
    provider = Provider(OK)

    async with an_api(provider, source=SlowAccess("current"), policy=IMPATIENT) as api:
        await patched_in_vain(api)

    assert provider.requests == []


@pytest.mark.parametrize("status", [401, 404])
async def test_a_refused_change_whose_access_takes_long_to_renew_is_not_sent_again(status: int) -> None:
    provider = Provider(httpx.Response(status), OK)

    with standing_still():
        async with an_api(provider, source=SlowAccess("renewed"), policy=IMPATIENT) as api:
            await patched_in_vain(api)

    assert len(provider.requests) == 1


def slow(provider: Provider, clock: MonotonicClock) -> Callable[[httpx.Request], httpx.Response]:
    """The provider, which takes too long for a change to go out after its answer."""

    def answer(request: httpx.Request) -> httpx.Response:
        clock.seconds += TOO_LONG
        return provider(request)

    return answer


async def test_a_change_that_was_refused_late_is_not_sent_again_with_new_access() -> None:
    provider = Provider(httpx.Response(401), OK)

    with standing_still() as clock:
        async with an_api(slow(provider, clock), source=renewable_access(2)) as api:
            await patched_in_vain(api)

    assert len(provider.requests) == 1


async def test_a_late_refusal_stands_where_there_is_no_other_access() -> None:
    with standing_still() as clock:
        async with an_api(slow(Provider(httpx.Response(401)), clock)) as api:
            with pytest.raises(CredentialsRejected):
                (await api.request("PATCH", "/x", json=[])).result()


@pytest.mark.parametrize(("status", "error"), [(401, CredentialsRejected), (404, NotFound)])
async def test_a_refusal_stands_that_comes_late_to_a_change_with_new_access(
    status: int, error: type[Exception]
) -> None:
    provider = Provider(httpx.Response(status))

    with standing_still() as clock:

        def answer(request: httpx.Request) -> httpx.Response:
            clock.seconds += TOO_LONG if provider.requests else 0
            return provider(request)

        policy = replace(IMPATIENT, change_wait=CHANGE_WAIT)
        async with an_api(answer, source=renewable_access(3), policy=policy) as api:
            with pytest.raises(error):
                (await api.request("PATCH", "/x", json=[])).result()

    assert len(provider.requests) == 2


async def test_a_change_does_not_go_out_after_its_machine_has_slept() -> None:
    provider = Provider(OK)

    with standing_still() as clock:

        class SleepyRateLimit(CountingRateLimit):
            async def acquire(self) -> None:
                clock.seconds += TOO_LONG

        async with an_api(provider, rate_limit=SleepyRateLimit()) as api:
            await patched_in_vain(api)
            assert await api.get("/x") == {"ok": True}

    assert [request.method for request in provider.requests] == ["GET"]


class Auth:
    """Grants access; what is asked for before `open` is set waits for it."""

    def __init__(self) -> None:
        self.open, self.asked = asyncio.Event(), list[dict[str, object]]()
        self.waits = 1
        """How many of the first questions wait."""

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(json.loads(request.content))
        if len(self.asked) <= self.waits:
            await self.open.wait()
        now = datetime.now(UTC)
        times = {"issued_at": now.isoformat(), "expires_at": (now + timedelta(minutes=5)).isoformat()}
        granted = {"base_url": "https://api.example", "headers": {}, "generation": 1}
        return httpx.Response(200, json=granted | times)


@asynccontextmanager
async def connected(auth: Auth) -> AsyncIterator[Api]:
    outbound, transport = OutboundSettings(), httpx.MockTransport(auth)
    async with Api("https://auth.example", outbound=outbound, transport=transport) as inner:
        source = IntegrationAccess(inner, "demo", "int_1", 1)
        async with an_api(Provider(OK), source=source, policy=IMPATIENT) as api:
            yield api


async def test_a_change_that_gives_up_asking_for_access_leaves_the_others_theirs() -> None:
    auth = Auth()

    async with connected(auth) as api:
        change = asyncio.create_task(patched_in_vain(api))
        read = asyncio.create_task(api.get("/x"))
        await change
        assert await read == {"ok": True}

    assert len(auth.asked) == 2


async def test_a_change_that_gives_up_waiting_for_anothers_question_does_not_disturb_it() -> None:
    auth = Auth()

    async with connected(auth) as api:
        read = asyncio.create_task(api.get("/x"))
        await asyncio.sleep(0)
        await patched_in_vain(api)
        auth.open.set()
        assert await read == {"ok": True}

    assert len(auth.asked) == 1
