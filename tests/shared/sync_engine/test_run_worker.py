import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from run_env import Board, Published, a_request, an_account, changed, connected, opened

from shared.contracts import Message
from shared.contracts.auth import IntegrationStatus
from shared.contracts.base import Outcome, Side
from shared.contracts.vendor_sync import VendorAccountObserved, VendorCredentialsRejected, VendorRunFinished
from shared.errors import CredentialsRejected as Refused
from shared.errors import PermanentError, TransientError, UnexpectedResponse
from shared.mongo import Mongo
from shared.outbox import Outbox
from shared.runtime.leases import Lease, LeaseLost
from shared.sync_engine.integrations import IntegrationStates
from shared.sync_engine.models import ProviderUnreachable, RunTally
from shared.sync_engine.run_repository import TTL, MessageTypes, RunRepository
from shared.sync_engine.run_worker import WATCH, RunContext, RunStep, RunWorker, WorkerTools

SAYS = MessageTypes(VendorRunFinished, VendorCredentialsRejected, (VendorAccountObserved,))

pytestmark = pytest.mark.usefixtures("queued")


@dataclass
class Scripted:
    """Two steps; each raises what the script says, once, and waits for `hold` if there is one."""

    raises: dict[str, Exception] = field(default_factory=dict)
    shortfalls: tuple[str, ...] = ()
    done: list[str] = field(default_factory=list)
    hold: asyncio.Event | None = None
    lease: Lease = field(init=False)

    async def steps(self, walk: RunContext) -> Sequence[RunStep]:
        assert walk.run.claims
        self.lease = walk.claimed.lease
        return [RunStep("first", self.do), RunStep("second", self.do)]

    async def do(self, walk: RunContext) -> dict[str, str]:
        name = walk.progress.phase
        if error := self.raises.pop(name, None):
            raise error
        if self.hold:
            await self.hold.wait()
        await walk.observer.publish([an_account(name, revision=await walk.observer.revision())])
        self.done.append(name)
        return {name: "done"}

    async def tally(self, walk: RunContext) -> RunTally:
        return RunTally(counts={"accounts": len(walk.run.notes)}, shortfalls=self.shortfalls)


@pytest.fixture
def runs(mongo: Mongo) -> RunRepository:
    return RunRepository(mongo, IntegrationStates(mongo, Side.VENDOR), Outbox(mongo, "vendor-sync"), SAYS)


@pytest.fixture
async def queued(runs: RunRepository, mongo: Mongo) -> None:
    await IntegrationStates(mongo, Side.VENDOR).connected(connected())
    await runs.queue(a_request())


def a_worker(
    mongo: Mongo, runs: RunRepository, work: Scripted, publisher: Published | None = None
) -> RunWorker:
    return RunWorker(runs, work, WorkerTools(mongo, opened(publisher or Published()), Board(), watch=0.05))


async def ended(mongo: Mongo) -> VendorRunFinished | None:
    rows = await mongo.all_tenants("outbox").find({"topic": VendorRunFinished.topic})
    return VendorRunFinished.model_validate_json(rows[0]["body"]) if rows else None


async def test_a_run_whose_steps_are_all_done_is_complete(mongo: Mongo, runs: RunRepository) -> None:
    worker = a_worker(mongo, runs, Scripted())

    assert await worker.step()
    assert not await worker.step()

    said = await ended(mongo)
    assert said is not None
    assert (said.outcome, said.published) == (Outcome.COMPLETE, {VendorAccountObserved.topic: 2})
    assert said.counts == {"accounts": 2}


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (Refused("401"), Outcome.FAILED),
        (ProviderUnreachable("the vendor is down"), Outcome.PARTIAL),
        (UnexpectedResponse("HTML"), Outcome.PARTIAL),
        (ZeroDivisionError(), Outcome.FAILED),
    ],
    ids=["refused", "gave-up", "unexpected", "a-bug"],
)
async def test_what_a_step_raises_decides_how_the_run_ends(
    mongo: Mongo, runs: RunRepository, error: Exception, outcome: Outcome
) -> None:
    await a_worker(mongo, runs, Scripted({"second": error})).step()

    said = await ended(mongo)
    assert said is not None
    assert (said.outcome, said.published) == (outcome, {VendorAccountObserved.topic: 1})
    rejected = await mongo.all_tenants("outbox").count({"topic": VendorCredentialsRejected.topic})
    assert rejected == isinstance(error, Refused)


async def test_a_shortfall_makes_a_finished_run_partial(mongo: Mongo, runs: RunRepository) -> None:
    await a_worker(mongo, runs, Scripted(shortfalls=("a list fell short",))).step()

    said = await ended(mongo)
    assert said is not None
    assert (said.outcome, said.reason) == (Outcome.PARTIAL, "a list fell short")


async def test_a_run_ends_although_kafka_never_takes_something_that_it_read(
    mongo: Mongo, runs: RunRepository
) -> None:
    async def picky(batch: list[Message]) -> None:
        if any(isinstance(one, VendorAccountObserved) and one.account_id == "second" for one in batch):
            raise PermanentError("a message is larger than Kafka takes")

    await a_worker(mongo, runs, Scripted(), Published(before=picky)).step()

    said = await ended(mongo)
    assert said is not None
    assert (said.outcome, said.published) == (Outcome.PARTIAL, {VendorAccountObserved.topic: 1})
    assert "larger than Kafka takes" in (said.reason or "")


async def test_trouble_of_our_own_ends_nothing_and_repeats_no_finished_step(
    mongo: Mongo, runs: RunRepository
) -> None:
    work = Scripted({"second": TransientError("Kafka does not answer")})

    with pytest.raises(TransientError):
        await a_worker(mongo, runs, work).step()
    assert await ended(mongo) is None
    await a_worker(mongo, runs, work).step()

    assert work.done == ["first", "second"]
    assert await ended(mongo) is not None


async def test_a_worker_told_to_stop_puts_its_run_down_for_the_next(
    mongo: Mongo, runs: RunRepository
) -> None:
    stuck = a_worker(mongo, runs, Scripted(hold=asyncio.Event()))
    going = asyncio.ensure_future(stuck.step())
    await until_claimed(mongo)

    stuck.stop()

    assert await asyncio.wait_for(going, 60)
    assert not await stuck.step()
    assert await a_worker(mongo, runs, Scripted()).step()
    assert await ended(mongo) is not None


async def test_a_run_whose_integration_is_disconnected_fails(mongo: Mongo, runs: RunRepository) -> None:
    going = asyncio.ensure_future(a_worker(mongo, runs, Scripted(hold=asyncio.Event())).step())
    await until_claimed(mongo)

    await IntegrationStates(mongo, Side.VENDOR).changed(changed(IntegrationStatus.DISCONNECTED))
    await asyncio.wait_for(going, 60)

    said = await ended(mongo)
    assert said is not None
    assert (said.outcome, said.reason) == (Outcome.FAILED, "the integration is disconnected")


async def test_a_worker_that_lost_its_lease_leaves_the_end_to_its_successor(
    mongo: Mongo, runs: RunRepository
) -> None:
    going = asyncio.ensure_future(a_worker(mongo, runs, Scripted(hold=asyncio.Event())).step())
    await until_claimed(mongo)

    await mongo.all_tenants("leases").change({}, {"$set": {"token": "another's"}})

    with pytest.raises(LeaseLost):
        await asyncio.wait_for(going, 60)
    assert await ended(mongo) is None


async def test_the_lease_is_renewed_while_a_step_takes_its_time(mongo: Mongo, runs: RunRepository) -> None:
    hold = asyncio.Event()
    going = asyncio.ensure_future(a_worker(mongo, runs, Scripted(hold=hold)).step())
    await until_claimed(mongo)
    leases = mongo.all_tenants("leases")
    [first] = await leases.find()

    async with asyncio.timeout(60):
        while not await leases.count({"token": first["token"], "until": {"$gt": first["until"]}}):
            await asyncio.sleep(0.01)

    hold.set()
    assert await asyncio.wait_for(going, 60)


def test_renewals_may_fail_twice_before_the_lease_is_over() -> None:
    assert TTL.total_seconds() > WATCH * 3


async def test_everything_published_ends_at_the_leases_deadline(mongo: Mongo, runs: RunRepository) -> None:
    kafka = Published()

    await a_worker(mongo, runs, Scripted(), kafka).step()

    now = asyncio.get_running_loop().time()
    assert all(limit is not None and limit < now + 60 for _, limit in kafka.limits)


async def until_claimed(mongo: Mongo, patience: float = 60) -> None:
    until = asyncio.get_running_loop().time() + timedelta(seconds=patience).total_seconds()
    while not await mongo.all_tenants("runs").count({"state": "running"}):
        assert asyncio.get_running_loop().time() < until
        await asyncio.sleep(0.01)
