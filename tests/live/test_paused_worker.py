"""A worker that is paused for longer than its lease: its successor goes on, and it says nothing any more."""

import asyncio
import signal
from collections.abc import AsyncIterator

import pytest
from crashes import lines_say_what_their_inputs_do
from paired_processes import books, has_taken_up, left_dirty, places, said_by, said_since, twins
from reviewed_system import Told

pytestmark = pytest.mark.live


@pytest.fixture
async def slow(told: Told) -> AsyncIterator[Told]:
    """Every subscription has changed, and the marketplace takes its time to say so."""
    state = await told.control("GET", "state")
    sold = [row for row in state["ingram-micro"]["subscriptions"] if row.get("products")]
    was = [{"id": row["id"], "quantity": row["products"][0]["quantity"]} for row in sold]
    more = [{"id": row["id"], "quantity": int(row["quantity"]) + 1} for row in was]
    await told.control("POST", "changes", {"subscriptions": more})
    await told.control("PUT", "switches", {"latency_ms": 700})
    yield told
    await told.control("PUT", "switches", {"latency_ms": 0})
    await told.control("POST", "changes", {"subscriptions": was})
    await told.synced()


async def test_a_paused_worker_is_succeeded_and_says_nothing_past_its_lease(slow: Told) -> None:
    async with twins(slow) as pair, books(slow) as kept:
        started = await slow.desk.ask("POST", "billing", "/syncs", {"kind": "full"})
        run_id, sync_id = await reading(slow, started["sync_id"]), started["sync_id"]
        [paused] = [part for part in pair if has_taken_up(part, run_id)]
        [successor] = [part for part in pair if part is not paused]

        dirty, pause = await left_dirty(slow, kept, paused), await places(slow)
        outcomes = await slow.desk.synced(slow.integration_ids, sync_id)

        assert set(outcomes.values()) == {"complete"}
        assert has_taken_up(successor, run_id)
        assert dirty.keys() <= (await said_since(slow, pause)).keys()
        assert not await kept.dirty()
        run, ends = await kept.run(run_id), await places(slow)

        paused.signal(signal.SIGCONT)
        await said_by(paused, "run_put_down", run_id)
        await paused.stop()

        # Nor what it had handed over before the pause, which its client sends as soon as it goes on.
        assert await places(slow) == ends
        assert await kept.run(run_id) == run
        await lines_say_what_their_inputs_do(slow)


async def reading(told: Told, sync_id: str) -> str:
    """The run that answers the sync, once it has read some details."""
    wanted = (told.story.vendor_id, sync_id, "details")
    async with asyncio.timeout(120):
        async for status in told.desk.statuses():
            place = (status["integration_id"], status["sync_id"], status["phase"])
            if place == wanted and status["done"] >= 2:
                return str(status["run_id"])
    pytest.fail("the status channel ended")
