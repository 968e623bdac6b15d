"""The whole system with both simulated providers connected, and its first sync finished."""

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
from tests.bench.bench_env import BenchEnv

_TIMEOUT_SECONDS = 400.0


@dataclass(frozen=True, slots=True)
class FirstSync:
    """The first run of each side, reconciled and shown on a dashboard."""

    vendor_id: str
    psa_id: str
    seconds: float
    """From the first connection to the last completion on the dashboard."""
    outcomes: Mapping[str, str]
    """By integration id."""
    dashboard_lags_ms: tuple[float, ...]
    """From the stored reconciliation of each run to its completion on the dashboard."""


@dataclass(frozen=True, slots=True)
class ConnectedEnv(BenchEnv):
    """The environment of the rows that measure the whole system."""

    first_sync: FirstSync


async def run_first_sync(system: System) -> FirstSync:
    """Connect both providers and wait for their first runs; raises `TimeoutError` when these do not end."""
    async with DemoClient(system.urls) as client:
        await sign_in(client, system)
        story = DemoStory(client, {})
        started = time.monotonic()
        await story.connect(await read_sandbox(system, "credentials"))
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            completions = await _wait_for_completions(client, {story.vendor_id, story.psa_id})
        seconds = time.monotonic() - started
        runs = await client.list_all("billing", "/runs", "runs")
    lags = [
        completions[run["integration_id"]][1] - datetime.fromisoformat(run["reconciled_at"]) for run in runs
    ]
    return FirstSync(
        story.vendor_id,
        story.psa_id,
        seconds,
        {integration_id: status["outcome"] for integration_id, (status, _) in completions.items()},
        tuple(lag.total_seconds() * 1000 for lag in lags),
    )


async def sign_in(client: DemoClient, system: System) -> None:
    await client.sign_in(system.credentials.admin_email, system.credentials.admin_password)


async def read_sandbox(system: System, path: str, **params: str) -> Any:
    """Return the answer of the sandbox's control API."""
    async with httpx.AsyncClient(base_url=system.urls["sandbox"], trust_env=False, timeout=60) as sandbox:
        return (await sandbox.get(f"/_sandbox/{path}", params=params)).raise_for_status().json()


async def set_switches(system: System, switches: Mapping[str, Any]) -> None:
    """Set switches of the sandbox."""
    async with httpx.AsyncClient(base_url=system.urls["sandbox"], trust_env=False, timeout=60) as sandbox:
        (await sandbox.put("/_sandbox/switches", json=dict(switches))).raise_for_status()


async def _wait_for_completions(
    client: DemoClient, integration_ids: set[str]
) -> dict[str, tuple[dict[str, Any], datetime]]:
    """Return, for each integration, the status that shows its outcome and when it was received."""
    completions: dict[str, tuple[dict[str, Any], datetime]] = {}
    # A stream has a limited lifetime; a browser opens the next one by itself.
    while completions.keys() != integration_ids:
        async for status in client.stream_statuses():
            if status["outcome"] and status["integration_id"] in integration_ids:
                completions.setdefault(status["integration_id"], (status, datetime.now(UTC)))
            if completions.keys() == integration_ids:
                break
    return completions
