import asyncio
from dataclasses import replace
from typing import Any

import pytest
from interleaving import InterleavedMongo
from run_env import NOW, a_request, changed, connected

from shared.contracts.auth import IntegrationStatus
from shared.contracts.base import Outcome, RunKind, Side
from shared.contracts.vendor_sync import VendorAccountObserved, VendorCredentialsRejected, VendorRunFinished
from shared.errors import TransientError
from shared.mongo import Mongo
from shared.outbox import Outbox
from shared.runtime.leases import LeaseLost
from shared.sync_engine.integrations import IntegrationStates
from shared.sync_engine.models import RunRequest, RunState, RunStopped
from shared.sync_engine.reports import RunEnding, RunTally, StepReport
from shared.sync_engine.run_endings import MessageTypes
from shared.sync_engine.run_repository import TTL, ClaimedRun, RunRepository
from shared.sync_engine.run_worker import WATCH_INTERVAL

ACCOUNTS_READ = StepReport(counts={"accounts": 3}, shortfalls=("3 of 4 accounts could be listed",))


def make_runs(mongo: Mongo) -> RunRepository:
    message_types = MessageTypes(VendorRunFinished, VendorCredentialsRejected, (VendorAccountObserved,))
    integrations = IntegrationStates(mongo, Side.VENDOR)
    return RunRepository(mongo, integrations, Outbox(mongo, "vendor-sync"), message_types)


async def claimed(runs: RunRepository) -> ClaimedRun:
    found = await runs.claim()
    assert found is not None
    return found


async def outbox(mongo: Mongo) -> list[dict[str, Any]]:
    return await mongo.all_tenants("outbox").find(sort=[("seq", 1)])


@pytest.fixture
async def runs(mongo: Mongo) -> RunRepository:
    await IntegrationStates(mongo, Side.VENDOR).on_connected(connected())
    return make_runs(mongo)


async def test_a_request_delivered_twice_queues_one_run(runs: RunRepository) -> None:
    first, second = await runs.queue(a_request()), await runs.queue(a_request())

    assert first == second
    await claimed(runs)
    assert await runs.claim() is None


async def test_requests_that_come_at_the_same_moment_are_each_answered(runs: RunRepository) -> None:
    await asyncio.gather(*(runs.queue(a_request(f"s{n % 2}")) for n in range(4)))

    answered = set()
    while found := await runs.claim():
        answered |= set((await runs.finish(found, RunEnding(Outcome.COMPLETE))).sync_ids)
        await found.lease.release()
    assert answered == {"s0", "s1"}


async def test_a_request_joins_the_full_run_that_is_going_on(runs: RunRepository, mongo: Mongo) -> None:
    await runs.queue(a_request("s1"))
    going = await claimed(runs)

    assert (await runs.queue(a_request("s2", kind=RunKind.QUICK))).run_id == going.run.run_id
    await runs.finish(going, RunEnding(Outcome.COMPLETE))

    messages = [VendorRunFinished.model_validate_json(row["body"]) for row in await outbox(mongo)]
    assert [(finished.run_id, finished.sync_id) for finished in messages] == [
        (going.run.run_id, "s1"),
        (going.run.run_id, "s2"),
    ]


async def test_a_full_request_waits_for_the_quick_run_that_is_going_on(runs: RunRepository) -> None:
    await runs.queue(a_request("quick", kind=RunKind.QUICK))
    quick = await claimed(runs)

    queued = await runs.queue(a_request("full"))

    assert queued.run_id != quick.run.run_id
    assert await runs.claim() is None
    await runs.finish(quick, RunEnding(Outcome.COMPLETE))
    await quick.lease.release()
    assert (await claimed(runs)).run.run_id == queued.run_id


async def test_a_killed_workers_run_is_continued_where_it_was(runs: RunRepository) -> None:
    await runs.queue(a_request())
    first = await runs.advance(await claimed(runs), "details", {"accounts": ACCOUNTS_READ})
    await first.lease.release()

    second = await claimed(runs)

    assert (second.run.run_id, second.run.phase) == (first.run.run_id, "details")
    assert (second.run.reports, second.run.claims) == ({"accounts": ACCOUNTS_READ}, 2)
    assert second.run.first_revision == first.run.first_revision


async def test_a_run_that_an_older_build_left_in_the_middle_begins_again_for_its_reports_are_unknown(
    runs: RunRepository, mongo: Mongo
) -> None:
    await runs.queue(a_request())
    await (await runs.advance(await claimed(runs), "details", {"accounts": ACCOUNTS_READ})).lease.release()
    notes = {"accounts": "3", "accounts_short": "3 of 4 accounts could be listed"}
    await mongo.all_tenants("runs").change({}, {"$set": {"notes": notes}, "$unset": {"reports": ""}})

    again = await claimed(runs)

    assert (again.run.phase, again.run.reports) == ("", {})
    after = await runs.advance(again, "subscriptions", {"accounts": ACCOUNTS_READ})
    await after.lease.release()
    assert (await claimed(runs)).run.phase == "subscriptions"


async def test_a_worker_that_was_replaced_can_neither_advance_nor_finish(
    runs: RunRepository, mongo: Mongo
) -> None:
    await runs.queue(a_request())
    late = await claimed(runs)
    await late.lease.release()
    await claimed(runs)

    with pytest.raises(LeaseLost):
        await runs.advance(late, "details", {})
    with pytest.raises(LeaseLost):
        await runs.finish(late, RunEnding(Outcome.COMPLETE))
    assert await outbox(mongo) == []


async def test_a_worker_paused_while_claiming_does_not_reopen_what_was_finished_since(
    runs: RunRepository,
    mongo: Mongo,
) -> None:
    await runs.queue(a_request())

    async def finished_by_another() -> None:
        await mongo.all_tenants("leases").change_many({}, {"$set": {"until": NOW}})
        await runs.finish(await claimed(runs), RunEnding(Outcome.COMPLETE))

    store = InterleavedMongo(mongo, "runs.find_one_and_update", finished_by_another)

    assert await make_runs(store).claim() is None

    assert [row["state"] for row in await mongo.all_tenants("runs").find()] == [RunState.COMPLETE]
    assert len(await outbox(mongo)) == 1


async def test_a_claim_that_fails_half_way_holds_nobody_up(runs: RunRepository, mongo: Mongo) -> None:
    await runs.queue(a_request())

    async def away() -> None:
        raise TransientError("the document store does not answer")

    store = InterleavedMongo(mongo, "runs.find_one_and_update", away)
    with pytest.raises(TransientError):
        await make_runs(store).claim()

    assert await runs.claim() is not None


async def test_the_end_is_reported_with_what_was_read(runs: RunRepository, mongo: Mongo) -> None:
    await runs.queue(a_request())
    found = await claimed(runs)

    ending = RunEnding(Outcome.FAILED, "no", RunTally(counts={"accounts": 3}), refused="password")
    assert (await runs.finish(found, ending)).state is RunState.FAILED

    finished, refused = await outbox(mongo)
    message = VendorRunFinished.model_validate_json(finished["body"])
    assert (message.outcome, message.reason, message.counts) == (Outcome.FAILED, "no", {"accounts": 3})
    assert message.manifests == 0
    assert VendorCredentialsRejected.model_validate_json(refused["body"]).refused == "password"


async def test_a_request_that_overtakes_the_integrations_own_news_waits_for_it(mongo: Mongo) -> None:
    runs = make_runs(mongo)
    await runs.queue(a_request())

    assert await runs.claim() is None
    await IntegrationStates(mongo, Side.VENDOR).on_connected(connected())

    assert (await claimed(runs)).run.sync_ids == ("s1",)


async def test_a_request_for_an_unknown_integration_holds_up_no_other(runs: RunRepository) -> None:
    await runs.queue(replace(a_request("s0"), integration_id="nobody-connected-it"))
    await runs.queue(a_request("s1"))

    assert (await claimed(runs)).run.sync_ids == ("s1",)


async def test_a_run_is_not_wanted_once_disconnected_or_connected_anew(
    runs: RunRepository, mongo: Mongo
) -> None:
    integrations = IntegrationStates(mongo, Side.VENDOR)
    await runs.queue(RunRequest.first(connected()))
    run = (await claimed(runs)).run
    await runs.check_wanted(run)

    await integrations.on_changed(changed(IntegrationStatus.DISCONNECTED))
    with pytest.raises(RunStopped, match="disconnected"):
        await runs.check_wanted(run)
    await integrations.on_connected(connected(generation=2))
    with pytest.raises(RunStopped, match="anew"):
        await runs.check_wanted(run)
    assert (await runs.queue(RunRequest.first(connected(generation=2)))).run_id != run.run_id


async def test_news_of_an_integration_may_come_in_any_order(mongo: Mongo) -> None:
    integrations = IntegrationStates(mongo, Side.VENDOR)
    changes = (changed(IntegrationStatus.ACTIVE, revision=2), changed(IntegrationStatus.PENDING, revision=1))

    await asyncio.gather(integrations.on_connected(connected()), *map(integrations.on_changed, changes))

    state = await integrations.get("demo", "int_1")
    assert state is not None
    assert (state.status, state.revision) == (IntegrationStatus.ACTIVE, 2)


async def test_the_end_of_an_older_generation_is_late_news(mongo: Mongo) -> None:
    integrations = IntegrationStates(mongo, Side.VENDOR)
    await integrations.on_connected(connected(generation=2))

    await integrations.on_changed(changed(IntegrationStatus.DISCONNECTED, revision=5, generation=1))

    state = await integrations.get("demo", "int_1")
    assert state is not None
    assert state.runnable


async def test_an_integration_of_the_other_side_is_ignored(mongo: Mongo) -> None:
    assert not await IntegrationStates(mongo, Side.VENDOR).on_connected(connected(side=Side.PSA))
    assert await IntegrationStates(mongo, Side.VENDOR).get("demo", "int_1") is None


def test_renewals_may_fail_twice_before_the_lease_is_over() -> None:
    assert TTL > WATCH_INTERVAL * 3
