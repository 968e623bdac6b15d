"""Nothing can be approved on what a run says that is not believed, not for a moment."""

from approval_env import a_request, approved
from billing_world import World
from clocks import as_store_time
from fed_world import LINES, a_fed_world, billed, bought, carry_out, held_runs, read_by
from observation_builders import TENANT, VENDOR

from billing.approvals.batch import LineResult, RejectedLine
from billing.approvals.eligibility import RejectionReason
from billing.approvals.repository import ApprovalRepository
from billing.approvals.service import ApprovalService
from billing.audit.repository import AuditLog
from billing.feeds.models import HoldState, RunRef
from billing.observations.integrations import IntegrationDirectory
from billing.usage.usage_line import UsageLine
from shared.contracts.psa_sync import CancelWrite
from shared.mongo import Mongo


class Approver:
    """A person who approves lines of a world as they are shown."""

    def __init__(self, world: World) -> None:
        self.approvals = ApprovalRepository(
            world.mongo,
            world.outbox,
            AuditLog(world.mongo),
            lines=world.lines,
            integrations=IntegrationDirectory(world.mongo),
        )
        world.lines.watchers.append(self.approvals)
        self._service = ApprovalService(self.approvals, world.recalculator, clock=as_store_time(world.clock))

    async def approve(self, *lines: UsageLine) -> list[LineResult]:
        return await self._service.approve(a_request(*lines))


def why(results: list[LineResult]) -> set[RejectionReason]:
    return {result.rejection.reason for result in results if isinstance(result, RejectedLine)}


async def a_world_with_differences(mongo: Mongo) -> World:
    """Ten of each are bought, eight are billed."""
    world = await a_fed_world(mongo)
    await read_by(world, "psa-2", *billed(8, revision=15_000))
    return world


async def cancelled(world: World) -> set[str]:
    rows = await world.events(CancelWrite.topic)
    return {CancelWrite.model_validate_json(bytes(row["body"])).approval_id for row in rows}


async def test_what_was_shown_before_an_unlikely_run_cannot_be_approved_once_it_counts(mongo: Mongo) -> None:
    world = await a_world_with_differences(mongo)
    approver, shown = Approver(world), await world.stored()

    await world.ingest(bought(0, revision=20_000))
    await world.ingest(*world.manifests_of(VENDOR, run_id="run-2"))
    await world.apply()
    results = await approver.approve(*shown)

    assert why(results) == {RejectionReason.STALE_SEAL}
    assert len(results) == LINES


async def test_what_an_unlikely_run_says_cannot_be_approved_even_if_it_was_calculated_at_once(
    mongo: Mongo,
) -> None:
    world = await a_world_with_differences(mongo)
    approver, line_ids = Approver(world), [line.line_id for line in await world.stored()]

    await world.ingest(bought(0, revision=20_000))
    await world.ingest(*world.manifests_of(VENDOR, run_id="run-2"))
    await world.apply()
    fresh = await world.recalculator.of_lines(TENANT, line_ids)
    results = await approver.approve(*(revision.line for revision in fresh.values()))

    assert why(results) == {RejectionReason.NEEDS_QUANTITY}


async def test_a_run_is_not_complete_before_it_is_judged(mongo: Mongo) -> None:
    world = await a_world_with_differences(mongo)
    await world.ingest(bought(0, revision=20_000))

    await world.finish_run(run_id="run-2", sync_id="sync-2", first_revision=20_000)

    run = await world.runs.newest_reconciled(TENANT, VENDOR)
    assert run
    assert run.totals
    assert (run.run_id, {*run.totals.by_class}) == ("run-2", {"no-verdict"})


async def test_approvals_lapse_that_were_made_before_the_run_was_held(mongo: Mongo) -> None:
    world = await a_world_with_differences(mongo)
    approver = Approver(world)
    waiting = [approved(result).approval for result in await approver.approve(*await world.stored())]

    await read_by(world, "run-2", bought(0, revision=20_000))

    assert await cancelled(world) == {approval.approval_id for approval in waiting}


async def test_approvals_lapse_that_were_made_of_what_the_run_said_before_it_was_held(mongo: Mongo) -> None:
    world = await a_world_with_differences(mongo)
    approver = Approver(world)
    await read_by(world, "run-2", bought(*[0] * 9, 10, revision=20_000))
    believed = [line for line in await world.stored() if line.vendor_count.number == 0]
    waiting = [approved(result).approval for result in await approver.approve(*believed)]
    before = await held_runs(world), await cancelled(world)

    await read_by(world, "run-2", bought(0, revision=30_000))

    assert before == ([], set())
    assert len(waiting) == 9
    assert await cancelled(world) == {approval.approval_id for approval in waiting}
    rows = await mongo.documents("approvals", TENANT).find()
    assert all(row["cancelled_because"] for row in rows)


async def test_what_a_released_run_says_can_be_approved(mongo: Mongo) -> None:
    world = await a_world_with_differences(mongo)
    approver = Approver(world)
    await read_by(world, "run-2", bought(0, revision=20_000))
    second = RunRef(VENDOR, "run-2")

    await world.feed_breaker.resolve(TENANT, second, HoldState.RELEASED, by="ann", reason="they left")
    await carry_out(world)
    results = await approver.approve(*await world.stored())

    assert {approved(result).approval.target for result in results} == {0}
