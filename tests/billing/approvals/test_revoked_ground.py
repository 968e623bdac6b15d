"""From the news that breaks an approval to the end of its write: billing reconciles, psa-sync is told."""

from datetime import timedelta
from decimal import Decimal

from approval_env import a_request, approved
from billing_world import World, a_mapped_world
from clocks import as_store_time
from observation_builders import PSA, a_mapping, a_subscription, an_agreement_line
from writes import WriteHarness

from billing.approvals.models import Approval, ApprovalState
from billing.approvals.repository import ApprovalRepository
from billing.approvals.results import WriteResultService
from billing.approvals.service import ApprovalService
from billing.audit.repository import AuditLog
from billing.observations.integrations import IntegrationDirectory
from psa_sync.writes.ports import LineRef
from shared.contracts.matcher import MappingDecision
from shared.contracts.psa_sync import CancelWrite, QuantityRefused
from shared.contracts.quantity_write import WriteRefusal
from shared.mongo import Mongo


async def an_approved_world(mongo: Mongo) -> tuple[World, ApprovalRepository, Approval]:
    """A reconciled line of 7 bought and 5 billed, approved."""
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5))
    approvals = ApprovalRepository(
        mongo, world.outbox, AuditLog(mongo), lines=world.lines, integrations=IntegrationDirectory(mongo)
    )
    world.lines.watchers.append(approvals)
    service = ApprovalService(approvals, world.recalculator, clock=as_store_time(world.clock))
    (result,) = await service.approve(a_request(await world.line()))
    return world, approvals, approved(result).approval


async def cancels_of(world: World) -> list[CancelWrite]:
    rows = await world.events(CancelWrite.topic)
    return [CancelWrite.model_validate_json(bytes(row["body"])) for row in rows]


async def test_a_mapping_that_is_revoked_while_the_write_waits_keeps_it_from_being_made(mongo: Mongo) -> None:
    world, approvals, approval = await an_approved_world(mongo)
    psa_sync = WriteHarness(mongo)
    await psa_sync.writes.receive([approval.write_command()])

    revoked = a_mapping("service", "svc1", "prod1", revision=2, decision=MappingDecision.REVOKED)
    await world.ingest(revoked)
    await world.reconcile()
    (cancel,) = await cancels_of(world)
    await psa_sync.writes.cancel([cancel])
    await psa_sync.work_once(LineRef(approval.tenant_id, PSA, approval.agreement_line_id))

    (row,) = await world.events(QuantityRefused.topic)
    refused = QuantityRefused.model_validate_json(bytes(row["body"]))
    await WriteResultService(approvals, clock=world.clock).record([refused])
    closed = await approvals.get(approval.tenant_id, approval.approval_id)
    assert closed
    assert (closed.state, closed.reason, closed.sent) == (
        ApprovalState.REFUSED,
        WriteRefusal.CANCELLED,
        False,
    )
    assert psa_sync.psa.calls == []


async def test_the_read_back_of_our_own_write_is_no_news_that_cancels(mongo: Mongo) -> None:
    world, _, approval = await an_approved_world(mongo)

    read_back = an_agreement_line(
        7,
        revision=world.revision + 1,
        run_id=f"write-{approval.approval_id}",
        read_back=True,
        observed_at=world.now + timedelta(minutes=1),
    )
    await world.ingest(read_back)
    await world.reconcile()

    assert (await world.line()).psa_count.number == Decimal(7)
    assert await cancels_of(world) == []


async def test_a_read_back_that_says_something_else_cancels(mongo: Mongo) -> None:
    world, _, approval = await an_approved_world(mongo)

    await world.ingest(an_agreement_line(6, revision=world.revision + 1, read_back=True))
    await world.reconcile()

    assert [cancel.approval_id for cancel in await cancels_of(world)] == [approval.approval_id]


async def test_another_count_of_the_vendor_cancels(mongo: Mongo) -> None:
    world, _, approval = await an_approved_world(mongo)

    await world.read(a_subscription(8, revision=99))
    await world.reconcile()

    assert [cancel.approval_id for cancel in await cancels_of(world)] == [approval.approval_id]
