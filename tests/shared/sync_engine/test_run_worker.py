import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from run_env import (
    RecordingPublisher,
    RecordingStatusChannel,
    a_request,
    an_account,
    an_empty_manifest,
    changed,
    connected,
    unfenced,
    until_claimed,
)
from throttled_runs import MESSAGE_TYPES

from shared.contracts import Message
from shared.contracts.auth import IntegrationStatus
from shared.contracts.base import Outcome, Side
from shared.contracts.vendor_sync import (
    VendorAccountObserved,
    VendorAccountRead,
    VendorCredentialsRejected,
    VendorRunFinished,
)
from shared.errors import (
    ConnectedAnew,
    CredentialsRejected,
    PermanentError,
    TransientError,
    UnexpectedResponse,
)
from shared.mongo import Mongo
from shared.outbox import Outbox
from shared.runtime.leases import Lease, LeaseLost
from shared.sync_engine.integrations import IntegrationStates
from shared.sync_engine.manifest_publisher import ManifestPublisher
from shared.sync_engine.models import ProviderUnreachable, Run
from shared.sync_engine.reports import RunTally, StepReport
from shared.sync_engine.run_context import RunContext, RunStep
from shared.sync_engine.run_repository import RunRepository
from shared.sync_engine.run_worker import RunWorker, WorkerTools
from shared.sync_engine.tenant_shares import TenantShares

pytestmark = pytest.mark.usefixtures("queued")


@dataclass
class Scripted:
    """Two steps; each raises what the script says, once, and waits for `hold` if there is one."""

    raises: dict[str, Exception] = field(default_factory=dict)
    shortfalls: tuple[str, ...] = ()
    done: list[str] = field(default_factory=list)
    hold: asyncio.Event | None = None
    lease: Lease = field(init=False)
    manifests: ManifestPublisher = field(init=False)

    def steps(self) -> Sequence[RunStep]:
        return [RunStep("first", self.do), RunStep("second", self.do)]

    async def do(self, context: RunContext) -> StepReport:
        assert context.run.claims
        self.lease = context.claimed.lease
        name = context.progress.phase
        if error := self.raises.pop(name, None):
            raise error
        if self.hold:
            await self.hold.wait()
        await context.publisher.publish([an_account(name, revision=await context.publisher.next_revision())])
        await self.manifests.publish(context, [an_empty_manifest(name)])
        self.done.append(name)
        return StepReport(counts={name: 1})

    async def tally(self, run: Run) -> RunTally:
        return RunTally(counts={"accounts": len(run.reports)}, shortfalls=self.shortfalls)


@pytest.fixture
def runs(mongo: Mongo) -> RunRepository:
    return RunRepository(
        mongo, IntegrationStates(mongo, Side.VENDOR), Outbox(mongo, "vendor-sync"), MESSAGE_TYPES
    )


@pytest.fixture
async def queued(runs: RunRepository, mongo: Mongo) -> None:
    await IntegrationStates(mongo, Side.VENDOR).on_connected(connected())
    await runs.queue(a_request())


def a_worker(
    mongo: Mongo, runs: RunRepository, work: Scripted, publisher: RecordingPublisher | None = None
) -> RunWorker:
    open_publisher = unfenced(publisher or RecordingPublisher())
    work.manifests = ManifestPublisher(mongo, VendorAccountRead)
    tools = WorkerTools(
        mongo, open_publisher, RecordingStatusChannel(), watch_interval=timedelta(milliseconds=50)
    )
    return RunWorker(runs, work, tools, shares=TenantShares(2))


async def run_finished(mongo: Mongo) -> VendorRunFinished | None:
    rows = await mongo.all_tenants("outbox").find({"topic": VendorRunFinished.topic})
    return VendorRunFinished.model_validate_json(rows[0]["body"]) if rows else None


async def test_a_run_whose_steps_are_all_done_is_complete(mongo: Mongo, runs: RunRepository) -> None:
    worker = a_worker(mongo, runs, Scripted())

    assert await worker.step()
    assert not await worker.step()

    finished = await run_finished(mongo)
    assert finished is not None
    assert (finished.outcome, finished.manifests) == (Outcome.COMPLETE, 2)
    assert finished.counts == {"accounts": 2}


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (CredentialsRejected("401"), Outcome.FAILED),
        (ConnectedAnew("connected anew"), Outcome.FAILED),
        (ProviderUnreachable("the vendor is down"), Outcome.PARTIAL),
        (UnexpectedResponse("HTML"), Outcome.PARTIAL),
        (ZeroDivisionError(), Outcome.FAILED),
    ],
    ids=["refused", "connected-anew", "gave-up", "unexpected", "a-bug"],
)
async def test_what_a_step_raises_decides_how_the_run_ends(
    mongo: Mongo, runs: RunRepository, error: Exception, outcome: Outcome
) -> None:
    await a_worker(mongo, runs, Scripted({"second": error})).step()

    finished = await run_finished(mongo)
    assert finished is not None
    assert (finished.outcome, finished.manifests) == (outcome, 1)
    rejected = await mongo.all_tenants("outbox").count({"topic": VendorCredentialsRejected.topic})
    assert rejected == isinstance(error, CredentialsRejected)


async def test_a_shortfall_makes_a_finished_run_partial(mongo: Mongo, runs: RunRepository) -> None:
    await a_worker(mongo, runs, Scripted(shortfalls=("a list fell short",))).step()

    finished = await run_finished(mongo)
    assert finished is not None
    assert (finished.outcome, finished.reason) == (Outcome.PARTIAL, "a list fell short")


async def test_a_run_ends_although_kafka_never_takes_something_that_it_read(
    mongo: Mongo, runs: RunRepository
) -> None:
    async def refuse_second(batch: list[Message]) -> None:
        if any(
            isinstance(message, VendorAccountObserved) and message.account_id == "second" for message in batch
        ):
            raise PermanentError("a message is larger than Kafka takes")

    await a_worker(mongo, runs, Scripted(), publisher := RecordingPublisher(before=refuse_second)).step()

    finished = await run_finished(mongo)
    assert finished
    assert [m.account_id for m in publisher.messages if isinstance(m, VendorAccountObserved)] == ["first"]
    assert (finished.outcome, finished.manifests) == (Outcome.PARTIAL, 2)
    assert "larger than Kafka takes" in (finished.reason or "")


async def test_trouble_of_our_own_ends_nothing_and_repeats_no_finished_step(
    mongo: Mongo, runs: RunRepository
) -> None:
    work = Scripted({"second": TransientError("Kafka does not answer")})

    with pytest.raises(TransientError):
        await a_worker(mongo, runs, work).step()
    assert await run_finished(mongo) is None
    await a_worker(mongo, runs, work).step()

    assert work.done == ["first", "second"]
    assert await run_finished(mongo) is not None


async def test_a_worker_that_must_stop_suspends_its_run_for_the_next(
    mongo: Mongo, runs: RunRepository
) -> None:
    stuck = a_worker(mongo, runs, Scripted(hold=asyncio.Event()))
    step = asyncio.ensure_future(stuck.step())
    await until_claimed(mongo)

    stuck.stop()

    assert await asyncio.wait_for(step, 60)
    assert not await stuck.step()
    assert await a_worker(mongo, runs, Scripted()).step()
    assert await run_finished(mongo) is not None


async def test_a_run_whose_integration_is_disconnected_fails(mongo: Mongo, runs: RunRepository) -> None:
    step = asyncio.ensure_future(a_worker(mongo, runs, Scripted(hold=asyncio.Event())).step())
    await until_claimed(mongo)

    await IntegrationStates(mongo, Side.VENDOR).on_changed(changed(IntegrationStatus.DISCONNECTED))
    await asyncio.wait_for(step, 60)

    finished = await run_finished(mongo)
    assert finished is not None
    assert (finished.outcome, finished.reason) == (Outcome.FAILED, "the integration is disconnected")


async def test_a_worker_that_lost_its_lease_leaves_the_end_to_its_successor(
    mongo: Mongo, runs: RunRepository
) -> None:
    step = asyncio.ensure_future(a_worker(mongo, runs, Scripted(hold=asyncio.Event())).step())
    await until_claimed(mongo)

    await mongo.all_tenants("leases").change({}, {"$set": {"token": "another's"}})

    with pytest.raises(LeaseLost):
        await asyncio.wait_for(step, 60)
    assert await run_finished(mongo) is None


async def test_the_lease_is_renewed_while_a_step_takes_its_time(mongo: Mongo, runs: RunRepository) -> None:
    hold = asyncio.Event()
    step = asyncio.ensure_future(a_worker(mongo, runs, Scripted(hold=hold)).step())
    await until_claimed(mongo)
    leases = mongo.all_tenants("leases")
    [first] = await leases.find()

    async with asyncio.timeout(60):
        while not await leases.count({"token": first["token"], "until": {"$gt": first["until"]}}):
            await asyncio.sleep(0.01)

    hold.set()
    assert await asyncio.wait_for(step, 60)


async def test_everything_published_ends_at_the_leases_deadline(mongo: Mongo, runs: RunRepository) -> None:
    publisher = RecordingPublisher()

    await a_worker(mongo, runs, Scripted(), publisher).step()

    now = asyncio.get_running_loop().time()
    assert all(deadline is not None and deadline < now + 60 for _, deadline in publisher.calls)
