"""Syncs on real servers: what is said twice, and what is seen while they go on."""

import asyncio
from typing import Any

import pytest
from reviewed_system import OBSERVED, ReviewedSystem

pytestmark = pytest.mark.live


async def test_a_sync_that_finds_nothing_new_says_nothing(reviewed: ReviewedSystem) -> None:
    await reviewed.sync()
    before = await reviewed.record_counts((*OBSERVED, "billing.usage-line-changed.v1"))

    outcomes = await reviewed.sync()

    assert set(outcomes.values()) == {"complete"}
    assert await reviewed.record_counts(tuple(before)) == before
    assert all(before[topic] for topic in OBSERVED)


async def test_progress_rises_and_the_outcome_comes_after_the_reconciliation(
    reviewed: ReviewedSystem,
) -> None:
    await reviewed.control("PUT", "switches", {"latency_ms": 250})
    started = await reviewed.client.request("POST", "billing", "/syncs", {"kind": "full"})

    seen = [status async for status in until_the_outcome(reviewed, started["sync_id"])]
    closed = await runs_of(reviewed, started["sync_id"])
    await reviewed.control("PUT", "switches", {"latency_ms": 0})

    done = [status["done"] for status in seen if status["phase"] == "details"]
    assert done == sorted(done)
    assert len(set(done)) >= 3
    assert [status["outcome"] for status in seen[:-1]] == [None] * (len(seen) - 1)
    assert seen[-1]["outcome"] == "complete"
    assert [run["run_id"] for run in closed if run["verdict"]] == [seen[-1]["run_id"]]


async def until_the_outcome(reviewed: ReviewedSystem, sync_id: str) -> Any:
    """The marketplace's statuses of this sync, to the one with the outcome."""
    async with asyncio.timeout(120):
        async for status in reviewed.client.stream_statuses():
            if (status["integration_id"], status["sync_id"]) == (reviewed.story.vendor_id, sync_id):
                yield status
                if status["outcome"]:
                    return


async def runs_of(reviewed: ReviewedSystem, sync_id: str) -> list[dict[str, Any]]:
    runs = await reviewed.client.list_all("billing", "/runs", "runs")
    return [
        run
        for run in runs
        if sync_id in run["sync_ids"] and run["integration_id"] == reviewed.story.vendor_id
    ]
