import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from run_env import RecordingPublisher, RecordingStatusChannel, connected, unfenced

from shared.contracts.base import RunKind, Side
from shared.contracts.vendor_sync import VendorAccountObserved, VendorCredentialsRejected, VendorRunFinished
from shared.mongo import Mongo
from shared.outbox import Outbox
from shared.runtime.health import Health
from shared.sync_engine.integrations import IntegrationStates
from shared.sync_engine.jobs import RunJobs
from shared.sync_engine.models import Run, RunRequest, RunTally
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


async def queue_run(mongo: Mongo, runs: RunRepository, tenant_id: str, integration_id: str) -> None:
    ids = {"tenant_id": tenant_id, "integration_id": integration_id}
    await IntegrationStates(mongo, Side.VENDOR).on_connected(connected().model_copy(update=ids))
    await runs.queue(RunRequest(tenant_id, integration_id, "s1", RunKind.FULL, "somebody"))


@asynccontextmanager
async def working(
    mongo: Mongo, runs: RunRepository, marketplaces: HangingMarketplaces
) -> AsyncIterator[None]:
    """Runs four workers, of which two may be of one tenant."""
    tools = WorkerTools(mongo, unfenced(RecordingPublisher()), RecordingStatusChannel())
    health, stop = Health("vendor-sync"), asyncio.Event()
    jobs = RunJobs(runs, marketplaces, tools, health=health, workers=4, workers_per_tenant=2)
    tasks = [asyncio.create_task(job.run(stop, health)) for job in jobs.jobs]
    try:
        yield
    finally:
        stop.set()
        jobs.stop()
        await asyncio.gather(*tasks)


@pytest.mark.timeout(30)
async def test_marketplaces_that_never_answer_hold_up_no_other_tenant(mongo: Mongo) -> None:
    runs = RunRepository(
        mongo, IntegrationStates(mongo, Side.VENDOR), Outbox(mongo, "vendor-sync"), MESSAGE_TYPES
    )
    marketplaces = HangingMarketplaces("acme")
    for number in range(5):
        await queue_run(mongo, runs, "acme", f"int_{number}")

    async with working(mongo, runs, marketplaces):
        began = [await marketplaces.began.get() for _ in range(2)]
        assert {tenant_id for tenant_id, _ in began} == {"acme"}

        await queue_run(mongo, runs, "zeta", "int_zeta")

        assert await marketplaces.ended.get() == "zeta"
        assert await marketplaces.began.get() == ("zeta", "int_zeta")


def test_a_tenant_is_full_until_one_of_its_workers_ends() -> None:
    shares = TenantShares(2)
    shares.take("acme")
    shares.take("zeta")
    assert shares.full == []

    shares.take("acme")
    assert shares.full == ["acme"]

    shares.give_back("acme")
    assert shares.full == []
