import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from run_env import RecordingPublisher, RecordingStatusChannel, queue_run, unfenced, working

from shared.contracts.base import Side
from shared.contracts.vendor_sync import VendorAccountObserved, VendorCredentialsRejected, VendorRunFinished
from shared.mongo import Mongo
from shared.outbox import Outbox
from shared.runtime.clock import MACHINE, TIME_SOURCE
from shared.runtime.health import Health
from shared.sync_engine.integrations import IntegrationStates
from shared.sync_engine.jobs import RunJobs
from shared.sync_engine.models import Run
from shared.sync_engine.reports import RunTally
from shared.sync_engine.run_context import RunContext, RunStep
from shared.sync_engine.run_endings import MessageTypes
from shared.sync_engine.run_repository import RunRepository
from shared.sync_engine.run_worker import WorkerTools
from shared.sync_engine.tenant_shares import TenantShares

MESSAGE_TYPES = MessageTypes(VendorRunFinished, VendorCredentialsRejected, (VendorAccountObserved,))


@dataclass
class HangingMarketplaces:
    """Marketplaces of which those of one tenant never answer; says whose runs began and ended."""

    hanging_tenant_id: str
    began: "asyncio.Queue[tuple[str, str]]" = field(default_factory=asyncio.Queue)
    ended: "asyncio.Queue[str]" = field(default_factory=asyncio.Queue)

    def steps(self) -> Sequence[RunStep]:
        return [RunStep("read", self._read)]

    async def tally(self, run: Run) -> RunTally:  # noqa: ARG002  the protocol's
        return RunTally()

    async def _read(self, context: RunContext) -> None:
        self.began.put_nowait((context.run.tenant_id, context.run.integration_id))
        if context.run.tenant_id == self.hanging_tenant_id:
            await asyncio.Event().wait()
        self.ended.put_nowait(context.run.tenant_id)


async def test_marketplaces_that_never_answer_hold_up_no_other_tenant(mongo: Mongo) -> None:
    runs = RunRepository(
        mongo, IntegrationStates(mongo, Side.VENDOR), Outbox(mongo, "vendor-sync"), MESSAGE_TYPES
    )
    marketplaces = HangingMarketplaces("acme")
    for number in range(5):
        await queue_run(mongo, runs, "acme", f"int_{number}")

    tools = WorkerTools(mongo, unfenced(RecordingPublisher()), RecordingStatusChannel())
    health = Health("vendor-sync")
    jobs = RunJobs(runs, marketplaces, tools, health=health, workers=4, workers_per_tenant=2)

    async with working(jobs, health):
        began = [await marketplaces.began.get() for _ in range(2)]
        assert {tenant_id for tenant_id, _ in began} == {"acme"}

        await queue_run(mongo, runs, "zeta", "int_zeta")

        assert await marketplaces.ended.get() == "zeta"
        assert await marketplaces.began.get() == ("zeta", "int_zeta")


async def test_a_tenant_is_full_until_one_of_its_workers_ends() -> None:
    shares = TenantShares(2)
    offered: list[set[str]] = []

    def at_work(tenant_id: str | None) -> AbstractAsyncContextManager[str | None]:
        async def choose(full: Collection[str]) -> str | None:
            offered.append(set(full))
            return tenant_id

        return shares.at_work(choose, str)

    async with at_work("acme"), at_work("zeta"):
        async with at_work("acme"), at_work(None):
            pass
        async with at_work(None):
            pass

    assert offered == [set(), set(), set(), {"acme"}, set()]


@dataclass
class IdleWorkers:
    """Workers that share looks, at a moment that the test sets."""

    shares: TenantShares = field(default_factory=lambda: TenantShares(2, rest=timedelta(seconds=1)))
    now: float = 100.0
    looks: int = 0
    woken_amid_a_look: bool = False

    async def look(self, found: str | None = None) -> bool:
        """Has a worker look for work; tells whether there was any."""
        async with self.shares.at_work(self.choose(found), str) as work:
            return work is not None

    def choose(self, found: str | None) -> Callable[[Collection[str]], Awaitable[str | None]]:
        async def choose(_: Collection[str]) -> str | None:
            self.looks += 1
            if self.woken_amid_a_look:
                self.shares.wake()
            return found

        return choose


@pytest.fixture
def idle() -> Iterator[IdleWorkers]:
    workers = IdleWorkers()
    token = TIME_SOURCE.set(MACHINE._replace(monotonic_seconds=lambda: workers.now))
    yield workers
    TIME_SOURCE.reset(token)


async def test_a_look_in_vain_holds_for_all_workers_until_its_rest_is_over(idle: IdleWorkers) -> None:
    for _ in range(8):
        assert not await idle.look()
    idle.now += 0.99
    assert not await idle.look("acme")
    assert idle.looks == 1

    idle.now += 0.01
    assert await idle.look("acme")


async def test_workers_look_at_once_when_they_are_woken_or_one_is_given_back(idle: IdleWorkers) -> None:
    await idle.look()
    idle.shares.wake()
    assert await idle.look("acme")

    async with idle.shares.at_work(idle.choose("acme"), str):
        await idle.look()
    assert await idle.look("acme")


async def test_a_wake_amid_a_look_in_vain_is_not_lost(idle: IdleWorkers) -> None:
    idle.woken_amid_a_look = True
    await idle.look()

    assert await idle.look("acme")
