"""An approved line that changes while its write waits has the write cancelled, in the same transaction."""

from decimal import Decimal

import pytest
from approval_env import ApprovalEnv, a_request, an_approval_env, approved
from lines import a_line
from outcomes import refused, written

from billing.approvals.models import Approval, ApprovalState
from billing.usage.seal import seal_of
from billing.usage.usage_line import Evidence, MappingUsed, UsageLine
from shared.contracts.base import NoNumber
from shared.contracts.billing import Count
from shared.contracts.quantity_write import WriteRefusal
from shared.mongo import Mongo


def on_mapping(line: UsageLine, revision: int) -> UsageLine:
    """Returns the line as it rests on a mapping in its so-manieth state."""
    mappings = (MappingUsed(key="demo:ingram-micro:na:account:acc", revision=revision),)
    evidence = Evidence(billed=line.evidence.billed, mappings=mappings)
    seal = seal_of(line.line_id, line.vendor_count, line.psa_count, evidence)
    return line.model_copy(update={"evidence": evidence, "seal": seal})


APPROVED = on_mapping(a_line(vendor=7, psa=5), revision=1)
BROKEN = {
    "the mapping was decided anew": on_mapping(a_line(vendor=7, psa=5), revision=2),
    "the vendor has another number": on_mapping(a_line(vendor=8, psa=5), revision=1),
    "the PSA has another number, which is not ours": on_mapping(a_line(vendor=7, psa=6), revision=1),
    "ours was written, and the mapping decided anew": on_mapping(a_line(vendor=7, psa=7), revision=2),
    "the line is gone": APPROVED.model_copy(update={"present": False}),
    "a second agreement line bills it": on_mapping(a_line(vendor=7, psa=5, agreement_lines=2), revision=1),
}


async def an_env_with_an_approval(mongo: Mongo) -> tuple[ApprovalEnv, Approval]:
    env = await an_approval_env(mongo, APPROVED)
    (result,) = await env.service.approve(a_request(APPROVED))
    return env, approved(result).approval


@pytest.mark.parametrize("line", BROKEN.values(), ids=BROKEN)
async def test_a_line_that_is_not_as_approved_any_more_cancels_its_write(
    mongo: Mongo, line: UsageLine
) -> None:
    env, approval = await an_env_with_an_approval(mongo)

    await env.recalculate(line)

    (cancel,) = await env.cancels()
    assert (cancel.approval_id, cancel.key) == (approval.approval_id, approval.write_command().key)
    assert "line_1" in cancel.reason
    still = await env.approvals.get("demo", approval.approval_id)
    assert still
    assert (still.state, still.cancelled_because) == (ApprovalState.COMMANDED, cancel.reason)


async def test_our_own_write_that_is_read_back_before_its_result_cancels_nothing(mongo: Mongo) -> None:
    env, approval = await an_env_with_an_approval(mongo)

    await env.recalculate(on_mapping(a_line(vendor=7, psa=7), revision=1))
    await env.results.record([written(approval)])

    assert await env.cancels() == []
    closed = await env.approvals.get("demo", approval.approval_id)
    assert closed
    assert (closed.state, closed.after) == (ApprovalState.WRITTEN, Decimal(7))


def with_psa_count(line: UsageLine, count: Count) -> UsageLine:
    """Returns the line, on the first mapping, with another count of the PSA of the same agreement line."""
    return on_mapping(line.model_copy(update={"psa_count": count}), revision=1)


STALE = Count(missing=NoNumber.STALE, known_part=Decimal(5))


@pytest.mark.parametrize(
    ("approved_count", "count_after"),
    [
        (STALE, Count(number=Decimal(7))),
        (Count(number=Decimal(5)), Count(missing=NoNumber.UNREAD, known_part=Decimal(7))),
    ],
    ids=["a stale number is fresh again", "a run met the write, and reads the line again"],
)
async def test_what_our_own_write_makes_of_the_count_cancels_nothing(
    mongo: Mongo, approved_count: Count, count_after: Count
) -> None:
    line = with_psa_count(a_line(vendor=7, psa=5), approved_count)
    env = await an_approval_env(mongo, line)
    await env.service.approve(a_request(line))

    await env.recalculate(with_psa_count(a_line(vendor=7, psa=7), count_after))

    assert await env.cancels() == []


async def test_a_write_to_a_line_that_is_held_meanwhile_is_cancelled_all_the_same(mongo: Mongo) -> None:
    env, approval = await an_env_with_an_approval(mongo)
    held = Count(missing=NoNumber.HELD, known_part=Decimal(7))

    await env.recalculate(with_psa_count(a_line(vendor=7, psa=7), held))

    assert [cancel.approval_id for cancel in await env.cancels()] == [approval.approval_id]


async def test_a_line_that_is_announced_anew_as_it_was_approved_cancels_nothing(mongo: Mongo) -> None:
    env, _ = await an_env_with_an_approval(mongo)

    await env.recalculate(APPROVED.model_copy(update={"revision": 2}))

    assert await env.cancels() == []


async def test_a_write_is_cancelled_once_however_often_its_line_changes(mongo: Mongo) -> None:
    env, _ = await an_env_with_an_approval(mongo)

    for line in BROKEN.values():
        await env.recalculate(line)

    assert len(await env.cancels()) == 1


async def test_a_write_that_has_its_result_is_not_cancelled(mongo: Mongo) -> None:
    env, approval = await an_env_with_an_approval(mongo)
    await env.results.record([written(approval)])

    await env.recalculate(BROKEN["the mapping was decided anew"])

    assert await env.cancels() == []


async def test_only_the_writes_of_lines_that_changed_are_cancelled(mongo: Mongo) -> None:
    other = a_line("line_2")
    env, approval = await an_env_with_an_approval(mongo)
    await env.store(other)
    (result,) = await env.service.approve(a_request(other, key="key-2"))

    await env.recalculate(BROKEN["the line is gone"], other)

    assert [cancel.approval_id for cancel in await env.cancels()] == [approval.approval_id]
    still = await env.approvals.get("demo", approved(result).approval.approval_id)
    assert still
    assert still.cancelled_because is None


async def test_a_cancelled_approval_is_closed_by_its_result_and_frees_the_line(mongo: Mongo) -> None:
    env, approval = await an_env_with_an_approval(mongo)
    line = BROKEN["the vendor has another number"]
    await env.recalculate(line)

    await env.results.record([refused(approval, WriteRefusal.CANCELLED)])

    closed = await env.approvals.get("demo", approval.approval_id)
    assert closed
    assert (closed.state, closed.reason) == (ApprovalState.REFUSED, WriteRefusal.CANCELLED)
    (again,) = await env.service.approve(a_request(line, key="key-2"))
    assert not approved(again).replayed


async def test_a_cancelled_write_that_was_made_all_the_same_is_closed_as_written(mongo: Mongo) -> None:
    env, approval = await an_env_with_an_approval(mongo)
    await env.recalculate(BROKEN["the mapping was decided anew"])

    await env.results.record([written(approval)])

    closed = await env.approvals.get("demo", approval.approval_id)
    assert closed
    assert closed.state is ApprovalState.WRITTEN
