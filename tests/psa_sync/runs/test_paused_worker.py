"""A worker that is paused while another takes over, and wakes up: it changes nothing any more."""

import asyncio
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from psa_runs import PsaRunHarness

from shared.contracts.base import Outcome
from shared.contracts.psa_sync import PsaRunFinished
from shared.mongo import Mongo
from shared.runtime.leases import LeaseLost

ACME = "19297"


@dataclass
class Pause:
    """Holds up a worker once, as it has read a list; its lease is over then."""

    harness: PsaRunHarness
    at_call: str
    resume: asyncio.Event = field(default_factory=asyncio.Event)
    _paused: asyncio.Event = field(default_factory=asyncio.Event)

    async def worker(self) -> asyncio.Task[bool]:
        """Starts a run, and returns its worker once it is paused."""
        self.harness.psa.as_listed = self._pause
        await self.harness.queue()
        task = asyncio.create_task(self.harness.worker().step())
        await self._paused.wait()
        await self.harness.mongo.all_tenants("leases").remove({})
        return task

    async def _pause(self, call: str) -> None:
        if call == self.at_call and not self._paused.is_set():
            self._paused.set()
            await self.resume.wait()


async def test_a_paused_worker_of_an_older_run_refills_nothing_of_its_successor(mongo: Mongo) -> None:
    harness = PsaRunHarness(mongo, calls_at_once=1)
    pause = Pause(harness, "agreements")
    old_worker = await pause.worker()
    # Its run is carried to the end by another worker, and the next run begins.
    await harness.worker().step()
    harness.psa.hangs_at = "lines 78"
    harness.psa.set_line("901", "9")
    await harness.queue()
    new_worker = harness.worker()
    going_on = asyncio.create_task(new_worker.step())
    await harness.wait_until_read("77")
    before = await stored(mongo)

    pause.resume.set()
    with pytest.raises(LeaseLost):
        await old_worker

    assert await stored(mongo) == before
    new_worker.stop()
    await going_on
    harness.psa.hangs_at = ""
    harness.publisher.messages.clear()
    await harness.worker().step()
    finished = (await harness.outbox_messages())[-1]
    assert isinstance(finished, PsaRunFinished)
    assert (finished.outcome, finished.unread_accounts, finished.coverage) == (
        Outcome.COMPLETE,
        (),
        Decimal(1),
    )
    assert await harness.quantities(ACME) == {
        "901": 9,
        "902": harness.psa.held_lines["902"].quantity,
        "911": 4,
    }
    read = [thing.read_revision for thing in harness.manifests()[ACME].things]
    assert min(read) > finished.first_revision


async def test_a_worker_that_was_succeeded_stores_nothing_of_what_it_read(mongo: Mongo) -> None:
    harness = PsaRunHarness(mongo, calls_at_once=1)
    pause = Pause(harness, "lines 77")
    old_worker = await pause.worker()
    harness.psa.set_line("901", "9")
    await harness.worker().step()
    before = await stored(mongo)

    pause.resume.set()
    with pytest.raises(LeaseLost):
        await old_worker

    assert await stored(mongo) == before
    assert await harness.quantities(ACME) == {
        "901": 9,
        "902": harness.psa.held_lines["902"].quantity,
        "911": 4,
    }


async def stored(mongo: Mongo) -> dict[str, dict[str, Any]]:
    """Returns all that psa-sync has stored of what it collects, by collection and id."""
    return {
        name: {row["_id"]: row for row in await mongo.all_tenants(name).find()}
        for name in ("companies", "agreements", "lines", "manifests", "observations")
    }
