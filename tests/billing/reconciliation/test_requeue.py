"""A bug in one account group: what cannot be reconciled waits, and nothing else waits for it."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from approval_env import a_request, approved
from billing_world import World, a_mapped_world, a_world
from clocks import as_store_time
from manifest_builders import CO1
from observation_builders import NOW, TENANT, a_mapping, a_subscription, an_agreement_line

from billing.approvals.repository import ApprovalRepository
from billing.approvals.service import ApprovalService
from billing.audit.repository import AuditLog
from billing.observations.integrations import IntegrationDirectory
from shared.contracts.base import NoNumber, Outcome
from shared.contracts.billing import LineClass
from shared.contracts.matcher import MappingDecision
from shared.contracts.psa_sync import CancelWrite
from shared.mongo import Mongo

SECOND: dict[str, Any] = {"run_id": "run-2", "first_revision": 20, "sync_id": "sync-2"}


async def test_a_group_that_cannot_be_reconciled_holds_up_no_other(mongo: Mongo) -> None:
    world = await a_world_with_a_spoilt_group(mongo)
    others = [a_subscription(3, id_=f"s{place}", account=f"a{place}") for place in range(5)]

    await world.read(a_subscription(8, revision=11), *others)
    await world.reconcile()

    numbers = {line.vendor_account_id or "spoilt": line.vendor_count.number for line in await world.stored()}
    assert numbers == {"spoilt": None} | {f"a{place}": 3 for place in range(5)}


async def test_what_was_requeued_is_tried_again_after_a_pause(mongo: Mongo) -> None:
    world = await a_world_with_a_spoilt_group(mongo)
    await world.read(a_subscription(8, revision=11))
    await world.reconcile()
    await mongo.documents("agreement_lines", TENANT).change({}, {"$set": {"quantity": "5"}})

    await world.reconcile()
    early = await world.line()
    world.advance(minutes=1)
    await world.reconcile()

    assert early.vendor_count.number is None
    assert (await world.line()).vendor_count.number == 8
    assert await mongo.all_tenants("work_items").count() == 0


async def test_what_fails_again_and_again_leaves_one_request(mongo: Mongo) -> None:
    world = await a_world_with_a_spoilt_group(mongo)
    for revision in range(11, 14):
        await world.read(a_subscription(revision, revision=revision))
        await world.reconcile()

    world.advance(minutes=1)
    await world.reconcile()

    assert await mongo.all_tenants("work_items").count() == 1


async def test_a_run_of_which_something_was_requeued_is_reconciled_as_partial(mongo: Mongo) -> None:
    world = await a_world_with_a_spoilt_group(mongo)
    await world.ingest(a_subscription(8, revision=20, run_id="run-2"))

    await world.finish_run(**SECOND)

    [run] = await mongo.all_tenants("runs").find({"run_id": "run-2"})
    assert (run["state"], run["verdict"]) == ("reconciled", Outcome.PARTIAL)
    assert world.status_channel.reported[-1].outcome is Outcome.PARTIAL


async def test_a_group_that_cannot_be_calculated_is_failed_and_not_what_it_was(mongo: Mongo) -> None:
    world = await a_world_with_a_spoilt_group(mongo)
    before = await world.line()
    await world.read(a_subscription(8, revision=11))

    await world.reconcile()

    line = await world.line()
    assert (line.line_class, line.reason) == (LineClass.NO_VERDICT, "failed")
    for count, known in ((line.vendor_count, Decimal(7)), (line.psa_count, Decimal(5))):
        assert count.number is None
        assert (count.missing, count.known_part) == (NoNumber.FAILED, known)
    assert line.money.amount is None
    assert (line.seal != before.seal, line.revision, line.changed_at) == (
        True,
        before.revision + 1,
        world.now,
    )


async def test_what_fails_again_is_announced_once(mongo: Mongo) -> None:
    world = await a_world_with_a_spoilt_group(mongo)
    await world.read(a_subscription(8, revision=11))
    await world.reconcile()
    once = await world.line()

    world.advance(minutes=1)
    await world.reconcile()

    assert await world.line() == once


async def test_a_line_without_a_target_fails_on_the_vendors_side_alone(mongo: Mongo) -> None:
    world = await a_world(mongo)
    await world.read(a_subscription(7))
    await world.reconcile()
    await mongo.documents("subscriptions", TENANT).change({}, {"$set": {"lines": [{"quantity": "many"}]}})
    await world.ingest(a_mapping("service", "svc1", None, decision=MappingDecision.EXCLUDED))

    await world.reconcile()

    line = await world.line()
    assert (line.reason, line.vendor_count.missing, line.psa_count.missing) == (
        "failed",
        NoNumber.FAILED,
        None,
    )


async def test_an_approved_write_is_cancelled_when_its_group_cannot_be_calculated_any_more(
    mongo: Mongo,
) -> None:
    world = await a_world_with_a_spoilt_group(mongo)
    approvals = ApprovalRepository(
        mongo, world.outbox, AuditLog(mongo), lines=world.lines, integrations=IntegrationDirectory(mongo)
    )
    world.lines.watchers.append(approvals)
    service = ApprovalService(approvals, world.recalculator, clock=as_store_time(world.clock))
    (result,) = await service.approve(a_request(await world.line()))

    await world.read(a_subscription(8, revision=11))
    await world.reconcile()

    (cancel,) = await world.events(CancelWrite.topic)
    assert approved(result).approval.approval_id in bytes(cancel["body"]).decode()


async def test_a_line_that_opens_later_fails_too(mongo: Mongo) -> None:
    opens_on = NOW.date() + timedelta(days=1)
    world = await a_mapped_world(mongo, an_agreement_line(5, starts_on=opens_on))
    await mongo.documents("agreement_lines", TENANT).change({}, {"$set": {"quantity": "many"}})
    await world.read(a_subscription(0, revision=11))

    await world.reconcile()

    [line] = await world.lines.lines_of_accounts(TENANT, [CO1])
    assert (line.present, line.reason, line.recheck_at) == (False, "failed", None)


async def a_world_with_a_spoilt_group(mongo: Mongo) -> World:
    """Its agreement line cannot be read any more."""
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5))
    await mongo.documents("agreement_lines", TENANT).change({}, {"$set": {"quantity": "many"}})
    return world
