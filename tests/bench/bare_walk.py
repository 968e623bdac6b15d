"""Baseline: the same calls as a first run makes, by a plain httpx client; bodies parsed, nothing kept.

One token, every page of customers and of both lists, every detail four at a time, both lists again.
"""

import asyncio
import json
from collections.abc import Iterator

import httpx

from tests.bench.ground import Plan
from tests.bench.harness import Sample
from tests.bench.usage import Stopwatch
from vendor_sync.connectors.ingram_micro.connector import PAGE_SIZES
from vendor_sync.runs.details import CALLS_AT_ONCE

_LISTS = ("active", "hold")


async def bare(plan: Plan) -> Sample:
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        known = (await client.get(f"{plan.sandbox}/_sandbox/credentials")).json()["ingram-micro"]
        client.base_url = httpx.URL(known["base_url"])
        client.headers["X-Subscription-Key"] = known["subscription_key"]
        with Stopwatch() as watch:
            await _sign_in(client, known["username"], known["password"], known["marketplace"])
            details = await _walk(client)
    return watch.sample(details)


async def _walk(client: httpx.AsyncClient) -> int:
    await _pages(client, "/customers", {})
    ids = [
        row["id"] for status in _LISTS for row in await _pages(client, "/subscriptions", {"status": status})
    ]
    waiting = iter(ids)
    async with asyncio.TaskGroup() as group:
        for _ in range(CALLS_AT_ONCE):
            group.create_task(_read(client, waiting))
    for status in _LISTS:
        await _pages(client, "/subscriptions", {"status": status})
    return len(ids)


async def _sign_in(client: httpx.AsyncClient, user: str, password: str, marketplace: str) -> None:
    answer = await client.post("/token", json={"marketplace": marketplace}, auth=(user, password))
    client.headers["Authorization"] = f"Bearer {answer.raise_for_status().json()['token']}"


async def _read(client: httpx.AsyncClient, waiting: Iterator[str]) -> None:
    for one in waiting:
        json.loads((await client.get(f"/subscriptions/{one}")).raise_for_status().content)


async def _pages(client: httpx.AsyncClient, path: str, query: dict[str, str]) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = []
    while True:
        params = {**query, "offset": str(len(rows)), "limit": str(PAGE_SIZES[0])}
        page = (await client.get(path, params=params)).raise_for_status().json()
        rows += page["data"]
        if len(rows) >= page["pagination"]["total"]:
            return rows
