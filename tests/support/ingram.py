"""Ingram Micro over a fake transport: what a list holds, and how the server misbehaves."""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from shared.http_client.client import Api
from shared.http_client.retry import CallPolicy
from shared.limits import Limit
from shared.runtime.settings import OutboundSettings
from vendor_sync.connectors.ingram_micro.connector import IngramMicroConnector

DATA = Path(__file__).parents[1] / "data" / "vendors" / "ingram-micro"
MILLISECOND = timedelta(milliseconds=1)
QUICK = CallPolicy(attempts=2, fault_pause=MILLISECOND, throttle_pause=MILLISECOND)

Handler = Callable[[httpx.Request], httpx.Response]


def recorded(name: str) -> Any:
    return json.loads((DATA / f"{name}.json").read_text())


def answering(status: int, body: Any) -> Handler:
    return lambda _: httpx.Response(status, json=body)


@asynccontextmanager
async def ingram(handler: Handler, **limits: Limit) -> AsyncIterator[IngramMicroConnector]:
    async with Api(
        "https://api.example/marketplace/na",
        outbound=OutboundSettings(),
        policy=QUICK,
        transport=httpx.MockTransport(handler),
    ) as api:
        yield IngramMicroConnector(api, **limits)


@dataclass
class CustomerList:
    """A list of customers behind `offset` and `limit`; each pass may show another state of it."""

    passes: Sequence[Sequence[str]]
    max_rows: int = 500
    """The server never sends more rows than this."""
    max_limit: int = 10_000
    """A larger `limit` than this is answered 400."""
    claimed_total: int | None = -1
    """The total that the server claims: -1 for the true one, None for no `pagination` at all."""
    queries: list[dict[str, str]] = field(default_factory=list)
    _passes: int = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        query = dict(request.url.params)
        self.queries.append(query)
        if int(query["limit"]) > self.max_limit:
            return httpx.Response(400, json=recorded("bad-parameter"))
        return httpx.Response(200, json=self._page(int(query["offset"]), int(query["limit"])))

    def _page(self, offset: int, limit: int) -> dict[str, Any]:
        self._passes += offset == 0
        rows = self.passes[min(self._passes, len(self.passes)) - 1]
        page_rows = rows[offset : offset + min(limit, self.max_rows)]
        page: dict[str, Any] = {"data": [{"id": id_, "name": f"Customer {id_}"} for id_ in page_rows]}
        if self.claimed_total is None:
            return page
        total = len(rows) if self.claimed_total == -1 else self.claimed_total
        return page | {"pagination": {"offset": offset, "limit": limit, "total": total}}
