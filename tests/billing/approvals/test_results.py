from datetime import timedelta
from decimal import Decimal

import pytest
from approval_env import ApprovalEnv, a_request, an_approval_env, approved
from lines import AT, a_line, an_integration
from outcomes import refused, written

from billing.approvals.models import Approval, ApprovalState
from billing.audit.chain import verify
from shared.contracts.quantity_write import ForeignWrite, WriteRefusal
from shared.errors import NotFound
from shared.mongo import Mongo


async def test_a_proven_write_closes_its_approval_and_frees_the_line(mongo: Mongo) -> None:
    env, approval = await an_env_with_an_approval(mongo)

    await env.results.record([written(approval)])

    closed = await env.approvals.get("demo", approval.approval_id)
    assert closed
    assert (closed.state, closed.before, closed.after) == (ApprovalState.WRITTEN, Decimal(5), Decimal(7))
    assert (closed.request_ids, closed.ended_at) == (("req-1",), AT + timedelta(minutes=1))
    assert await env.approvals.in_flight("demo", [a_line()]) == {}
    (again,) = await env.service.approve(a_request(a_line(), key="key-2"))
    assert not approved(again).replayed


async def test_whoever_looks_is_told_of_a_decision_and_of_its_result_once_each(mongo: Mongo) -> None:
    env, approval = await an_env_with_an_approval(mongo)
    decided = env.news.take()

    await env.service.approve(a_request(a_line()))  # again, with the same key
    for _ in range(2):
        await env.results.record([written(approval)])

    assert decided == [("approval", approval.approval_id, "commanded")]
    assert env.news.take() == [("approval", approval.approval_id, "written")]


async def test_an_approval_whose_command_kafka_never_takes_is_refused_and_says_why(mongo: Mongo) -> None:
    env, approval = await an_env_with_an_approval(mongo)

    for _ in range(2):  # killed in between, it is set aside again
        assert await env.results.refuse_undeliverable(approval.write_command(), "it is too large") == []

    closed = await env.approvals.get("demo", approval.approval_id)
    assert closed
    assert (closed.state, closed.reason) == (ApprovalState.REFUSED, WriteRefusal.REJECTED)
    assert closed.detail == "nothing was written, for the command could not be sent: it is too large"
    entries = [entry async for entry in env.audit.entries("demo", until=await env.audit.head("demo"))]
    assert [entry.draft.action for entry in entries] == ["approval.recorded", "quantity.refused"]
    assert entries[1].draft.actor == "billing"


async def test_an_approval_event_that_kafka_never_takes_leaves_the_approval_in_flight(mongo: Mongo) -> None:
    env, approval = await an_env_with_an_approval(mongo)

    assert await env.results.refuse_undeliverable(approval.recorded_event(), "it is too large") is None

    still = await env.approvals.get("demo", approval.approval_id)
    assert still
    assert still.state is ApprovalState.COMMANDED


@pytest.mark.parametrize(
    ("reason", "state"),
    [
        (WriteRefusal.CONFLICT, ApprovalState.REFUSED),
        (WriteRefusal.REJECTED, ApprovalState.REFUSED),
        (WriteRefusal.EXPIRED, ApprovalState.REFUSED),
        (WriteRefusal.UNKNOWN_OUTCOME, ApprovalState.QUARANTINED),
    ],
)
async def test_a_refusal_says_why_and_an_unknown_outcome_is_quarantined(
    mongo: Mongo, reason: WriteRefusal, state: ApprovalState
) -> None:
    env, approval = await an_env_with_an_approval(mongo)

    await env.results.record([refused(approval, reason)])

    closed = await env.approvals.get("demo", approval.approval_id)
    assert closed
    assert (closed.state, closed.reason, closed.detail) == (state, reason, "it held 6, not 5")


async def test_a_conflict_after_the_quantity_was_sent_is_for_a_person_to_look_at(mongo: Mongo) -> None:
    env, approval = await an_env_with_an_approval(mongo)
    sent = refused(approval, WriteRefusal.CONFLICT).model_copy(update={"sent": True})

    await env.results.record([sent])

    closed = await env.approvals.get("demo", approval.approval_id)
    assert closed
    assert (closed.state, closed.reason) == (ApprovalState.QUARANTINED, WriteRefusal.CONFLICT)


async def test_a_foreign_write_that_ours_replaced_is_on_the_approval_and_in_the_audit_log(
    mongo: Mongo,
) -> None:
    env, approval = await an_env_with_an_approval(mongo)
    foreign = ForeignWrite(quantity=Decimal(6), updated_by="jdoe", updated_at=AT)

    await env.results.record([written(approval).model_copy(update={"overwritten": foreign})])

    closed = await env.approvals.get("demo", approval.approval_id)
    assert closed
    assert (closed.after, closed.overwritten) == (Decimal(7), foreign)
    entries = [entry async for entry in env.audit.entries("demo", until=await env.audit.head("demo"))]
    details = entries[1].draft.details
    assert details["after"] == "7"
    assert details["overwritten"] == {
        "quantity": "6",
        "updated_by": "jdoe",
        "updated_at": "2026-03-01T12:00:00Z",
    }
    assert verify(await env.exported()).intact


async def test_every_result_is_an_entry_of_the_audit_log(mongo: Mongo) -> None:
    env, approval = await an_env_with_an_approval(mongo)

    await env.results.record([written(approval)])

    entries = [entry async for entry in env.audit.entries("demo", until=await env.audit.head("demo"))]
    assert [entry.draft.action for entry in entries] == ["approval.recorded", "quantity.written"]
    assert {entry.draft.subject for entry in entries} == {f"approval:{approval.approval_id}"}
    assert entries[1].draft.details["after"] == "7"
    assert verify(await env.exported()).intact


async def test_a_result_delivered_again_or_after_another_changes_nothing(mongo: Mongo) -> None:
    env, approval = await an_env_with_an_approval(mongo)
    await env.results.record([written(approval), written(approval)])
    before = await env.approvals.get("demo", approval.approval_id)

    await env.results.record([written(approval)])
    await env.results.record([refused(approval, WriteRefusal.EXPIRED)])

    assert await env.approvals.get("demo", approval.approval_id) == before
    assert (await env.audit.head("demo")).seq == 2


async def test_a_result_of_an_unknown_approval_is_refused_with_nothing_saved(
    mongo: Mongo,
) -> None:
    env, approval = await an_env_with_an_approval(mongo)
    stranger = approval.model_copy(update={"approval_id": "apr_unknown"})

    with pytest.raises(NotFound, match="apr_unknown"):
        await env.results.record([written(approval), written(stranger)])

    assert await env.approvals.in_flight("demo", [a_line()]) == {"line_1": approval.approval_id}


async def test_a_result_closes_nothing_of_another_tenant(mongo: Mongo) -> None:
    env, approval = await an_env_with_an_approval(mongo)

    with pytest.raises(NotFound):
        await env.results.record([written(approval.model_copy(update={"tenant_id": "other"}))])

    assert await env.approvals.in_flight("demo", [a_line()]) == {"line_1": approval.approval_id}


async def test_results_of_several_tenants_are_recorded_in_one_batch(mongo: Mongo) -> None:
    lines = [a_line(), a_line("line_2"), a_line(tenant_id="other")]
    env = await an_approval_env(mongo, *lines)
    env.connected.known.append(an_integration(tenant_id="other"))
    demo = await env.service.approve(a_request(*lines[:2]))
    other = await env.service.approve(a_request(lines[2]))

    await env.results.record([written(approved(result).approval) for result in [*demo, *other]])

    for tenant_id, count in (("demo", 2), ("other", 1)):
        page, _ = await env.approvals.page(tenant_id, state=ApprovalState.WRITTEN, after=None, limit=9)
        assert len(page) == count
        assert verify(await env.exported(tenant_id)).head.seq == 2 * count


async def an_env_with_an_approval(mongo: Mongo) -> tuple[ApprovalEnv, Approval]:
    env = await an_approval_env(mongo, a_line())
    (result,) = await env.service.approve(a_request(a_line()))
    return env, approved(result).approval
