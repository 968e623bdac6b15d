"""A worker that is paused for longer than its lease: its successor goes on, and it says nothing any more."""

import asyncio
import signal
from collections.abc import AsyncIterator

import pytest
from crashes import assert_lines_match_providers
from paired_processes import (
    end_offsets,
    has_claimed_run,
    open_sync_database,
    pause_with_dirty_keys,
    published_since,
    two_workers,
    wait_for_log_line,
)
from reviewed_system import ReviewedSystem

pytestmark = pytest.mark.live


@pytest.fixture
async def slow(reviewed: ReviewedSystem) -> AsyncIterator[ReviewedSystem]:
    """Every subscription has changed, and the marketplace takes its time to say so.

    So long that the run is still reading when it is paused, however busy this machine is.
    """
    state = await reviewed.control("GET", "state")
    sold = [row for row in state["ingram-micro"]["subscriptions"] if row.get("products")]
    was = [{"id": row["id"], "quantity": row["products"][0]["quantity"]} for row in sold]
    more = [{"id": row["id"], "quantity": int(row["quantity"]) + 1} for row in was]
    await reviewed.control("POST", "changes", {"subscriptions": more})
    await reviewed.control("PUT", "switches", {"latency_ms": 2500})
    yield reviewed
    await reviewed.control("PUT", "switches", {"latency_ms": 0})
    await reviewed.control("POST", "changes", {"subscriptions": was})
    await reviewed.sync()


async def test_a_paused_worker_is_succeeded_and_says_nothing_past_its_lease(slow: ReviewedSystem) -> None:
    async with two_workers(slow) as pair, open_sync_database(slow) as database:
        started = await slow.client.request("POST", "billing", "/syncs", {"kind": "full"})
        run_id, sync_id = await wait_until_reading(slow, started["sync_id"]), started["sync_id"]
        [paused] = [process for process in pair if has_claimed_run(process, run_id)]
        [successor] = [process for process in pair if process is not paused]

        dirty, pause = await pause_with_dirty_keys(slow, database, paused), await end_offsets(slow)
        await slow.control("PUT", "switches", {"latency_ms": 0})
        outcomes = await slow.client.wait_for_sync(slow.integration_ids, sync_id)

        assert set(outcomes.values()) == {"complete"}
        assert has_claimed_run(successor, run_id)
        assert dirty.keys() <= (await published_since(slow, pause)).keys()
        assert not await database.dirty()
        run, ends = await database.run(run_id), await end_offsets(slow)

        paused.signal(signal.SIGCONT)
        await wait_for_log_line(paused, "run_put_down", run_id)
        await paused.stop()

        # Nor what it had handed over before the pause, which its client sends as soon as it goes on.
        assert await end_offsets(slow) == ends
        assert await database.run(run_id) == run
        await assert_lines_match_providers(slow)


async def wait_until_reading(reviewed: ReviewedSystem, sync_id: str) -> str:
    """Returns the id of the sync's marketplace run, once it has read some details."""
    wanted = (reviewed.story.vendor_id, sync_id, "details")
    async with asyncio.timeout(120):
        async for status in reviewed.client.stream_statuses():
            shown = (status["integration_id"], status["sync_id"], status["phase"])
            if shown == wanted and status["done"] >= 2:
                return str(status["run_id"])
    pytest.fail("the status channel ended")
