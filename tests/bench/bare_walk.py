"""Baseline of `full-run`: the calls of a first run by a plain httpx client; bodies parsed, nothing stored."""

# One token, every page of customers and of both status lists, every detail with as many calls at a time as
# the product makes, and both lists once more, as a run does to find what changed meanwhile.

import asyncio
import json
from collections.abc import Iterator

import httpx

from tests.bench.bench_env import Workload
from tests.bench.harness import Sample
from tests.bench.usage import Stopwatch
from vendor_sync.connectors.ingram_micro.connector import PAGE_SIZES
from vendor_sync.runs.detail_reader import CALLS_AT_ONCE

_STATUSES = ("active", "hold")


async def run_baseline(workload: Workload) -> Sample:
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        answer = await client.get(f"{workload.sandbox}/_sandbox/credentials")
        credentials = answer.json()["ingram-micro"]
        client.base_url = httpx.URL(credentials["base_url"])
        client.headers["X-Subscription-Key"] = credentials["subscription_key"]
        with Stopwatch() as watch:
            token = await client.post(
                "/token",
                json={"marketplace": credentials["marketplace"]},
                auth=(credentials["username"], credentials["password"]),
            )
            client.headers["Authorization"] = f"Bearer {token.raise_for_status().json()['token']}"
            details = await _walk(client)
    return watch.sample(details)


async def _walk(client: httpx.AsyncClient) -> int:
    await _read_pages(client, "/customers", {})
    ids = [
        row["id"]
        for status in _STATUSES
        for row in await _read_pages(client, "/subscriptions", {"status": status})
    ]
    queue = iter(ids)
    async with asyncio.TaskGroup() as group:
        for _ in range(CALLS_AT_ONCE):
            group.create_task(_read_details(client, queue))
    for status in _STATUSES:
        await _read_pages(client, "/subscriptions", {"status": status})
    return len(ids)


async def _read_details(client: httpx.AsyncClient, queue: Iterator[str]) -> None:
    # All readers share one iterator: each takes the next id when it has finished its last.
    for subscription_id in queue:
        json.loads((await client.get(f"/subscriptions/{subscription_id}")).raise_for_status().content)


async def _read_pages(client: httpx.AsyncClient, path: str, query: dict[str, str]) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = []
    while True:
        params = {**query, "offset": str(len(rows)), "limit": str(PAGE_SIZES[0])}
        page = (await client.get(path, params=params)).raise_for_status().json()
        rows += page["data"]
        if len(rows) >= page["pagination"]["total"]:
            return rows
