"""A write of somebody else that met ours is on the usage line, with both numbers."""

from datetime import timedelta
from decimal import Decimal

import pytest
from approval_env import ApprovalEnv, a_request, an_approval_env, approved
from billing_http import billing_client
from lines import AT, a_line
from outcomes import refused, written
from people import signed_in

from billing.approvals.models import Approval
from shared.contracts.quantity_write import ForeignWrite, WriteRefusal
from shared.mongo import Mongo
from shared.web.person import Role

LINE = a_line(vendor=7, psa=5)
SIX = ForeignWrite(quantity=Decimal(6), updated_by="jdoe", updated_at=AT)


async def an_approval(env: ApprovalEnv, key: str = "key-1") -> Approval:
    (result,) = await env.service.approve(a_request(LINE, key=key))
    return approved(result).approval


async def collision_of(env: ApprovalEnv) -> dict[str, object] | None:
    async with billing_client(env) as client:
        answer = await client.get(f"/usage/{LINE.line_id}", headers=signed_in(Role.VIEWER))
    assert answer.status_code == 200
    collision: dict[str, object] | None = answer.json()["collision"]
    return collision


@pytest.mark.parametrize(
    ("field", "kind"),
    [("overwritten", "overwritten"), ("followed_by", "followed"), ("foreign", "in-the-way")],
)
async def test_what_met_our_write_is_on_the_line_with_both_numbers(
    mongo: Mongo, field: str, kind: str
) -> None:
    env = await an_approval_env(mongo, LINE)
    approval = await an_approval(env)
    result = refused(approval, WriteRefusal.CONFLICT) if field == "foreign" else written(approval)

    await env.results.record([result.model_copy(update={field: SIX})])

    assert await collision_of(env) == {
        "approval_id": approval.approval_id,
        "kind": kind,
        "ours": "7",
        "theirs": {"quantity": "6", "updated_by": "jdoe", "updated_at": "2026-03-01T12:00:00Z"},
        "ended_at": "2026-03-01T12:01:00Z",
    }


async def test_of_two_such_writes_the_last_is_shown(mongo: Mongo) -> None:
    env = await an_approval_env(mongo, LINE)
    for minutes, key in enumerate(("key-1", "key-2"), 1):
        approval = await an_approval(env, key)
        times = {"refused_at": AT + timedelta(minutes=minutes), "foreign": SIX}
        await env.results.record([refused(approval, WriteRefusal.CONFLICT).model_copy(update=times)])

    shown = await collision_of(env)

    assert shown
    assert shown["approval_id"] == approval.approval_id


async def test_a_write_that_met_none_leaves_nothing_on_its_line(mongo: Mongo) -> None:
    env = await an_approval_env(mongo, LINE)

    await env.results.record([written(await an_approval(env))])

    assert await collision_of(env) is None
