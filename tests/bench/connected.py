"""The whole system with both simulated providers connected, and its first sync come to its end."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from standalone.demo.client import DemoClient
from standalone.demo.story import DemoStory
from standalone.system import System
from tests.bench.ground import Ground

_WITHIN = 400.0


@dataclass(frozen=True, slots=True)
class Synced:
    """What came of connecting: the first run of each side, reconciled and told to a dashboard."""

    vendor_id: str
    psa_id: str
    seconds: float
    """From the first connection to the last completion on the dashboard."""
    outcomes: Mapping[str, str]
    told_after_ms: tuple[float, ...]
    """From the stored reconciliation of each run to its completion on the dashboard."""


@dataclass(frozen=True, slots=True)
class Connected(Ground):
    """Where the rows of the whole system are measured."""

    synced: Synced


async def first_sync(system: System) -> Synced:
    """Connect both; raises `TimeoutError` when the runs do not end."""
    async with DemoClient(system.urls) as desk:
        await signed_in(desk, system)
        story = DemoStory(desk, {})
        began = time.monotonic()
        await story.connect(await sandbox_says(system, "credentials"))
        async with asyncio.timeout(_WITHIN):
            heard = await _completions(desk, {story.vendor_id, story.psa_id})
        seconds = time.monotonic() - began
        runs = await desk.all("billing", "/runs", "runs")
    return Synced(
        story.vendor_id,
        story.psa_id,
        seconds,
        {one: status["outcome"] for one, (status, _) in heard.items()},
        tuple(_lag(run, heard[run["integration_id"]][1]) for run in runs),
    )


async def signed_in(desk: DemoClient, system: System) -> None:
    await desk.sign_in(system.credentials.admin_email, system.credentials.admin_password)


async def sandbox_says(system: System, path: str, **params: str) -> Any:
    """What the sandbox's control API answers."""
    async with httpx.AsyncClient(base_url=system.urls["sandbox"], trust_env=False, timeout=60) as sandbox:
        return (await sandbox.get(f"/_sandbox/{path}", params=params)).raise_for_status().json()


async def sandbox_set(system: System, switches: Mapping[str, Any]) -> None:
    """Change its switches."""
    async with httpx.AsyncClient(base_url=system.urls["sandbox"], trust_env=False, timeout=60) as sandbox:
        (await sandbox.put("/_sandbox/switches", json=dict(switches))).raise_for_status()


async def _completions(desk: DemoClient, wanted: set[str]) -> dict[str, tuple[dict[str, Any], datetime]]:
    """The status that tells each integration's outcome, and when it was seen."""
    heard: dict[str, tuple[dict[str, Any], datetime]] = {}
    while heard.keys() != wanted:  # a stream has a lifetime; a browser opens the next one by itself
        async for status in desk.statuses():
            if status["outcome"] and status["integration_id"] in wanted:
                heard.setdefault(status["integration_id"], (status, datetime.now(UTC)))
            if heard.keys() == wanted:
                break
    return heard


def _lag(run: Mapping[str, Any], seen: datetime) -> float:
    return (seen - datetime.fromisoformat(run["reconciled_at"])).total_seconds() * 1000
