"""A sandbox inside the test's process, with one signed-in HTTP client for each provider."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from sandbox.app import create_app
from sandbox.identity import Identity, derive_identity
from sandbox.settings import Settings
from sandbox.world import World

ORIGIN = "http://sandbox.test:8090"
INGRAM = f"{ORIGIN}/marketplace/na"
CONNECTWISE = f"{ORIGIN}/v2025_1/apis/3.0"
SPECS = Path(__file__).parents[3] / "shared" / "specs"
"""The vendors' specifications, which lie beside the repository or nowhere."""
Json = dict[str, Any]


class MovableClock:
    """A clock that stands still until a test advances it."""

    def __init__(self, now: datetime = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **spans: float) -> None:
        self.now += timedelta(**spans)


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The simulated world, an HTTP client without credentials, and one for each provider with them."""

    http: httpx.AsyncClient
    ingram: httpx.AsyncClient
    connectwise: httpx.AsyncClient
    world: World
    clock: MovableClock
    transport: httpx.ASGITransport
    """Leads every call to the sandbox."""

    @property
    def identity(self) -> Identity:
        return self.world.identity

    async def control(self, path: str, body: Any = None, *, method: str | None = None) -> Any:
        """GET from the control API, or POST a body to it, and return its answer."""
        method = method or ("GET" if body is None else "POST")
        return (await self.http.request(method, f"/_sandbox/{path}", json=body)).raise_for_status().json()

    async def switch(self, name: str, value: Any) -> None:
        await self.control("switches", {name: value}, method="PUT")

    async def part(self, name: str) -> Json:
        """Return one part of the scenario, such as `increase`, with its ids and quantities."""
        part: Json = (await self.control("scenario"))["parts"][name]
        return part

    async def line_path(self, part: str = "increase") -> str:
        """Return the API path of the agreement line that bills a part of the scenario."""
        ids = await self.part(part)
        return f"finance/agreements/{ids['agreement_ids'][0]}/additions/{ids['addition_ids'][0]}"


@asynccontextmanager
async def open_sandbox(seed: int = 7, subscriptions: int = 0) -> AsyncIterator[Sandbox]:
    """Yield a fresh sandbox whose marketplace client has signed in."""
    clock = MovableClock()
    app = create_app(Settings(port=8090, seed=seed, subscriptions=subscriptions), clock)
    transport, identity = httpx.ASGITransport(app), derive_identity(seed)
    async with (
        httpx.AsyncClient(transport=transport, base_url=ORIGIN) as http,
        httpx.AsyncClient(transport=transport, base_url=INGRAM, headers=ingram_headers(identity)) as ingram,
        httpx.AsyncClient(transport=transport, base_url=CONNECTWISE, headers=psa_headers(identity)) as psa,
    ):
        answer = await sign_in(ingram, identity)
        ingram.headers["Authorization"] = f"Bearer {answer.json()['token']}"
        yield Sandbox(http, ingram, psa, app.state.world, clock, transport)


def ingram_headers(identity: Identity) -> dict[str, str]:
    return {"X-Subscription-Key": identity.subscription_key}


def psa_headers(identity: Identity) -> dict[str, str]:
    keys = f"{identity.company}+{identity.public_key}:{identity.private_key}"
    return {
        "clientId": identity.client_id,
        "Authorization": f"Basic {base64.b64encode(keys.encode()).decode()}",
    }


async def sign_in(client: httpx.AsyncClient, identity: Identity, **overrides: str) -> httpx.Response:
    """Ask for a token with the right user, password and marketplace, or with a test's overrides of them."""
    right = {"user": identity.username, "password": identity.password, "marketplace": identity.marketplace}
    sent = right | overrides
    return await client.post(
        f"{INGRAM}/token",
        json={"marketplace": sent["marketplace"]},
        auth=(sent["user"], sent["password"]),
    )
