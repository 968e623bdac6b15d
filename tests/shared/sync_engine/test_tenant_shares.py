import asyncio
from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from run_env import RecordingPublisher, RecordingStatusChannel, queue_run, unfenced, working

from shared.contracts.base import Side
from shared.contracts.vendor_sync import VendorAccountObserved, VendorCredentialsRejected, VendorRunFinished
from shared.mongo import Mongo
from shared.outbox import Outbox
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
