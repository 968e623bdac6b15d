import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta
from decimal import Decimal

import pytest
from approval_env import Desk, a_desk, an_order
from lines import AT, a_line, an_integration

from billing.approvals.eligibility import RejectionReason
from billing.approvals.models import ApprovalDecision, ApprovalState
from billing.approvals.repository import ApprovalRepository
from billing.approvals.service import ApprovalService, ChoiceResult
from billing.audit.chain import verify
from billing.usage.coverage_repository import CoverageRepository
from billing.usage.repository import UsageLineRepository
from billing.usage.usage_line import UsageLine
from shared.contracts.auth import IntegrationStatus
from shared.errors import RuleBroken
from shared.mongo import Mongo, Session


async def test_a_decision_its_audit_entry_and_its_messages_are_saved_together(mongo: Mongo) -> None:
    desk = await a_desk(mongo, a_line(vendor=7, psa=5))

    (result,) = await desk.approving.approve(an_order(a_line(vendor=7, psa=5)))

    assert result.approval
    assert result.approval == await desk.approvals.get("demo", result.approval.approval_id)
    assert (result.approval.state, result.approval.decision) == (
        ApprovalState.COMMANDED,
        ApprovalDecision.APPROVED,
    )
    assert (result.approval.expected_current, result.approval.target) == (Decimal(5), Decimal(7))
    assert result.approval.valid_until == AT + timedelta(hours=24)
    assert [row["topic"] for row in await mongo.all_tenants("outbox").find(sort=[("seq", 1)])] == [
        "billing.approval-recorded.v1",
        "psa-sync.write-quantity.v1",
    ]
    assert (verify(await desk.exported()).head.seq, verify(await desk.exported()).intact) == (1, True)


async def test_the_same_key_again_answers_with_the_same_approval(mongo: Mongo) -> None:
    desk = await a_desk(mongo, a_line())
    (first,) = await desk.approving.approve(an_order(a_line()))

    (again,) = await desk.approving.approve(an_order(a_line()))

    assert (again.approval, again.replayed, first.replayed) == (first.approval, True, False)
    assert len(await desk.commands()) == 1


async def test_a_typed_quantity_is_the_same_however_it_is_spelled(mongo: Mongo) -> None:
    desk = await a_desk(mongo, a_line())
    (first,) = await desk.approving.approve(an_order(a_line(), quantity=Decimal(3)))

    (again,) = await desk.approving.approve(an_order(a_line(), quantity=Decimal("3.0")))

    assert again.approval == first.approval
    assert first.approval
    assert first.approval.decision is ApprovalDecision.ADJUSTED


async def test_the_same_key_for_another_request_is_refused(mongo: Mongo) -> None:
    desk = await a_desk(mongo, a_line())
    await desk.approving.approve(an_order(a_line()))

    with pytest.raises(RuleBroken, match="send a new key"):
        await desk.approving.approve(an_order(a_line(), quantity=Decimal(3)))


async def test_a_key_belongs_to_one_person_of_one_tenant(mongo: Mongo) -> None:
    others = a_line(tenant_id="other")
    desk = await a_desk(mongo, a_line(), others)
    desk.connected.known.append(an_integration(tenant_id="other"))
    await desk.approving.approve(an_order(a_line()))

    (theirs,) = await desk.approving.approve(an_order(others))
    (bobs,) = await desk.approving.approve(an_order(a_line(), person_id="bob"))

    assert theirs.approval
    assert not theirs.replayed
    assert why([bobs]) == [RejectionReason.IN_FLIGHT]


async def test_two_posts_of_one_key_at_once_make_one_command(mongo: Mongo) -> None:
    here, there = await a_desk(mongo, a_line()), Desk(mongo)

    results = await asyncio.gather(
        *(desk.approving.approve(an_order(a_line())) for desk in (here, there, here))
    )

    assert len({one.approval.approval_id for (one,) in results if one.approval}) == 1
    assert [one.replayed for (one,) in results].count(False) == 1
    assert len(await here.commands()) == 1


async def test_two_keys_on_one_line_at_once_make_one_command(mongo: Mongo) -> None:
    here, there = await a_desk(mongo, a_line()), Desk(mongo)
    orders = [
        (desk, an_order(a_line(), key=f"{desk is here}-{n}")) for desk in (here, there) for n in range(3)
    ]

    results = await asyncio.gather(*(desk.approving.approve(order) for desk, order in orders))

    assert Counter(why([one])[0] for (one,) in results) == {None: 1, RejectionReason.IN_FLIGHT: 5}
    assert len(await here.commands()) == 1
    assert verify(await here.exported()).head.seq == 1


async def test_a_line_that_changed_since_it_was_shown_is_answered_as_it_is_now(mongo: Mongo) -> None:
    desk = await a_desk(mongo, a_line(vendor=9))

    (result,) = await desk.approving.approve(an_order(a_line(vendor=7)))

    assert why([result]) == [RejectionReason.STALE_SEAL]
    assert result.line == a_line(vendor=9)
    assert await desk.commands() == []


async def test_a_line_that_changes_while_it_is_approved_is_judged_again(mongo: Mongo) -> None:
    desk = await a_desk(mongo, a_line(vendor=7))
    overtaken = Overtaken(desk, a_line(vendor=9))
    approvals = ApprovalRepository(
        mongo, desk.outbox, desk.audit, lines=overtaken, integrations=desk.connected
    )

    (result,) = await ApprovalService(approvals).approve(an_order(a_line(vendor=7)))

    assert why([result]) == [RejectionReason.STALE_SEAL]
    assert result.line == a_line(vendor=9)
    assert await desk.commands() == []


async def test_a_pending_integration_is_not_written_to(mongo: Mongo) -> None:
    desk = await a_desk(mongo, a_line())
    desk.connected.known[:] = [an_integration(status=IntegrationStatus.PENDING)]

    assert why(await desk.approving.approve(an_order(a_line()))) == [RejectionReason.NOT_ACTIVE]


async def test_many_are_answered_each_in_the_order_asked(mongo: Mongo) -> None:
    good = [a_line(f"line_{n}") for n in range(7)]
    desk = await a_desk(mongo, *good, batch=3)
    stale, unknown = a_line("line_3", vendor=99), a_line("line_x")

    results = await desk.approving.approve(an_order(*good[:3], stale, unknown, *good[4:]))

    assert [one.line_id for one in results] == [f"line_{n}" for n in (0, 1, 2, 3, "x", 4, 5, 6)]
    assert why(results) == [
        None,
        None,
        None,
        RejectionReason.STALE_SEAL,
        RejectionReason.UNKNOWN_LINE,
        None,
        None,
        None,
    ]
    assert len(await desk.commands()) == 6
    assert verify(await desk.exported()).head.seq == 6


async def test_an_order_cut_off_between_batches_goes_on_where_it_stopped(mongo: Mongo) -> None:
    lines = [a_line(f"line_{n}") for n in range(5)]
    desk = await a_desk(mongo, *lines, batch=2)
    order = an_order(*lines)
    await desk.approvals.open(order)
    await desk.approvals.settle(
        order,
        order.choices[:2],
        lambda found: desk.approving.judge(order, order.choices[:2], found),
        careful=False,
    )

    results = await Desk(mongo, batch=2).approving.approve(order)

    assert [one.replayed for one in results] == [True, True, False, False, False]
    assert len(await desk.commands()) == 5
    assert verify(await desk.exported()).head.seq == 5


async def test_pages_are_newest_first_and_do_not_overlap(mongo: Mongo) -> None:
    lines = [a_line(f"line_{n}") for n in range(5)]
    desk = await a_desk(mongo, *lines)
    await desk.approving.approve(an_order(*lines[:4]))
    desk.clock.forward(timedelta(minutes=1))
    await desk.approving.approve(an_order(lines[4], key="key-2"))

    first, more = await desk.approvals.page("demo", state=None, after=None, limit=3)
    rest, end = await desk.approvals.page("demo", state=ApprovalState.COMMANDED, after=more, limit=3)

    assert first[0].line_id == "line_4"
    assert {one.line_id for one in [*first, *rest]} == {line.line_id for line in lines}
    assert (len(first), len(rest), end) == (3, 2, None)
    assert await desk.approvals.page("other", state=None, after=None, limit=3) == ([], None)


class Overtaken(UsageLineRepository):
    """A reconciliation stores a line just after it was first read."""

    def __init__(self, desk: Desk, line: UsageLine) -> None:
        super().__init__(desk.mongo, desk.outbox, CoverageRepository(desk.mongo))
        self._desk, self._news = desk, [line]

    async def get_many(
        self, tenant_id: str, line_ids: Iterable[str], *, session: Session | None = None
    ) -> dict[str, UsageLine]:
        found = await super().get_many(tenant_id, line_ids, session=session)
        while self._news:
            await self._desk.store(self._news.pop())
        return found


def why(results: Sequence[ChoiceResult]) -> list[RejectionReason | None]:
    return [one.objected.why if one.objected else None for one in results]
