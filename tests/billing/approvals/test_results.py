from datetime import timedelta
from decimal import Decimal

import pytest
from approval_env import Desk, a_desk, an_order
from lines import AT, a_line, an_integration
from outcomes import refused, written

from billing.approvals.models import Approval, ApprovalState
from billing.audit.chain import verify
from shared.contracts.psa_sync import WriteRefusal
from shared.errors import NotFound
from shared.mongo import Mongo


async def test_a_proven_write_closes_its_approval_and_frees_the_line(mongo: Mongo) -> None:
    desk, approval = await a_desk_with_an_approval(mongo)

    await desk.results.hear([written(approval)])

    ended = await desk.approvals.get("demo", approval.approval_id)
    assert ended
    assert (ended.state, ended.before, ended.after) == (ApprovalState.WRITTEN, Decimal(5), Decimal(7))
    assert (ended.request_ids, ended.ended_at) == (("req-1",), AT + timedelta(minutes=1))
    assert await desk.approvals.in_flight("demo", [a_line()]) == {}
    (again,) = await desk.approving.approve(an_order(a_line(), key="key-2"))
    assert again.approval


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
    desk, approval = await a_desk_with_an_approval(mongo)

    await desk.results.hear([refused(approval, reason)])

    ended = await desk.approvals.get("demo", approval.approval_id)
    assert ended
    assert (ended.state, ended.reason, ended.detail) == (state, reason, "it held 6, not 5")


async def test_every_result_is_an_entry_of_the_audit_log(mongo: Mongo) -> None:
    desk, approval = await a_desk_with_an_approval(mongo)

    await desk.results.hear([written(approval)])

    entries = [entry async for entry in desk.audit.entries("demo", until=await desk.audit.head("demo"))]
    assert [entry.draft.action for entry in entries] == ["approval.recorded", "quantity.written"]
    assert {entry.draft.subject for entry in entries} == {f"approval:{approval.approval_id}"}
    assert entries[1].draft.details["after"] == "7"
    assert verify(await desk.exported()).intact


async def test_a_result_heard_again_or_after_another_changes_nothing(mongo: Mongo) -> None:
    desk, approval = await a_desk_with_an_approval(mongo)
    await desk.results.hear([written(approval), written(approval)])
    before = await desk.approvals.get("demo", approval.approval_id)

    await desk.results.hear([written(approval)])
    await desk.results.hear([refused(approval, WriteRefusal.EXPIRED)])

    assert await desk.approvals.get("demo", approval.approval_id) == before
    assert (await desk.audit.head("demo")).seq == 2


async def test_a_result_of_no_approval_of_ours_is_set_aside_with_nothing_saved(mongo: Mongo) -> None:
    desk, approval = await a_desk_with_an_approval(mongo)
    stranger = approval.model_copy(update={"approval_id": "apr_unknown"})

    with pytest.raises(NotFound, match="apr_unknown"):
        await desk.results.hear([written(approval), written(stranger)])

    assert await desk.approvals.in_flight("demo", [a_line()]) == {"line_1": approval.approval_id}


async def test_a_result_closes_nothing_of_another_tenant(mongo: Mongo) -> None:
    desk, approval = await a_desk_with_an_approval(mongo)

    with pytest.raises(NotFound):
        await desk.results.hear([written(approval.model_copy(update={"tenant_id": "other"}))])

    assert await desk.approvals.in_flight("demo", [a_line()]) == {"line_1": approval.approval_id}


async def test_results_of_several_tenants_are_heard_in_one_batch(mongo: Mongo) -> None:
    lines = [a_line(), a_line("line_2"), a_line(tenant_id="other")]
    desk = await a_desk(mongo, *lines)
    desk.connected.known.append(an_integration(tenant_id="other"))
    ours = await desk.approving.approve(an_order(*lines[:2]))
    theirs = await desk.approving.approve(an_order(lines[2]))

    await desk.results.hear([written(one.approval) for one in [*ours, *theirs] if one.approval])

    for tenant_id, count in (("demo", 2), ("other", 1)):
        page, _ = await desk.approvals.page(tenant_id, state=ApprovalState.WRITTEN, after=None, limit=9)
        assert len(page) == count
        assert verify(await desk.exported(tenant_id)).head.seq == 2 * count


async def a_desk_with_an_approval(mongo: Mongo) -> tuple[Desk, Approval]:
    desk = await a_desk(mongo, a_line())
    (result,) = await desk.approving.approve(an_order(a_line()))
    assert result.approval
    return desk, result.approval
