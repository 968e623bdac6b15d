"""A sandbox inside the test's process, with one signed-in caller for each provider."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from sandbox.app import create_app
from sandbox.identity import Identity, identity_of
from sandbox.settings import Settings
from sandbox.world import World

ORIGIN = "http://sandbox.test:8090"
INGRAM = f"{ORIGIN}/marketplace/na"
CONNECTWISE = f"{ORIGIN}/v2025_1/apis/3.0"
SPECS = Path(__file__).parents[3] / "shared" / "specs"
"""The vendors' specifications, which lie beside the repository or nowhere."""
Json = dict[str, Any]


class MovableClock:
    """Stands still until it is moved."""

    def __init__(self, now: datetime = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, **spans: float) -> None:
        self.now += timedelta(**spans)


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The simulated world, a plain HTTP client to it, and callers that know the credentials."""

    http: httpx.AsyncClient
    ingram: httpx.AsyncClient
    connectwise: httpx.AsyncClient
    world: World
    clock: MovableClock

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
        part: Json = (await self.control("scenario"))["parts"][name]
        return part

    async def line_of(self, part: str = "increase") -> str:
        """The path of the agreement line that bills a part of the story."""
        told = await self.part(part)
        return f"finance/agreements/{told['agreement_ids'][0]}/additions/{told['addition_ids'][0]}"


@asynccontextmanager
async def opened(seed: int = 7, subscriptions: int = 0) -> AsyncIterator[Sandbox]:
    """A fresh sandbox; its marketplace caller has signed in."""
    clock = MovableClock()
    app = create_app(Settings(port=8090, seed=seed, subscriptions=subscriptions), clock)
    transport, identity = httpx.ASGITransport(app), identity_of(seed)
    async with (
        httpx.AsyncClient(transport=transport, base_url=ORIGIN) as http,
        httpx.AsyncClient(transport=transport, base_url=INGRAM, headers=ingram_headers(identity)) as ingram,
        httpx.AsyncClient(transport=transport, base_url=CONNECTWISE, headers=psa_headers(identity)) as psa,
    ):
        answer = await sign_in(ingram, identity)
        ingram.headers["Authorization"] = f"Bearer {answer.json()['token']}"
        yield Sandbox(http, ingram, psa, app.state.world, clock)


def ingram_headers(identity: Identity) -> dict[str, str]:
    return {"X-Subscription-Key": identity.subscription_key}


def psa_headers(identity: Identity) -> dict[str, str]:
    keys = f"{identity.company}+{identity.public_key}:{identity.private_key}"
    return {
        "clientId": identity.client_id,
        "Authorization": f"Basic {base64.b64encode(keys.encode()).decode()}",
    }


async def sign_in(client: httpx.AsyncClient, identity: Identity, **changed: str) -> httpx.Response:
    """Ask for a token with the right values, or with those that a test changes."""
    known = {"user": identity.username, "password": identity.password, "marketplace": identity.marketplace}
    given = known | changed
    return await client.post(
        f"{INGRAM}/token",
        json={"marketplace": given["marketplace"]},
        auth=(given["user"], given["password"]),
    )
