import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from approval_env import ApprovalEnv, a_request, an_approval_env, approved
from clocks import as_store_time
from lines import AT, a_line, an_integration

from billing.approvals.batch import BatchJudge, LineResult, RejectedLine, decide_batch
from billing.approvals.eligibility import RejectionReason
from billing.approvals.models import VALID_FOR, ApprovalState
from billing.approvals.repository import ApprovalRepository
from billing.approvals.service import ApprovalService
from billing.audit.chain import verify
from billing.usage.calendar import TenantCalendar
from billing.usage.repository import UsageLineRepository
from billing.usage.usage_line import UsageLine
from shared.contracts.auth import IntegrationStatus
from shared.contracts.billing import ApprovalDecision
from shared.contracts.psa_sync import WriteQuantity
from shared.contracts.quantity_write import LineTerms
from shared.errors import RuleBroken
from shared.mongo import Mongo, Session


async def test_a_decision_its_audit_entry_and_its_messages_are_saved_together(mongo: Mongo) -> None:
    env = await an_approval_env(mongo, a_line(vendor=7, psa=5))

    (result,) = await env.service.approve(a_request(a_line(vendor=7, psa=5)))

    approval = approved(result).approval
    assert approval == await env.approvals.get("demo", approval.approval_id)
    assert (approval.state, approval.decision) == (ApprovalState.COMMANDED, ApprovalDecision.APPROVED)
    assert (approval.expected_current, approval.target) == (Decimal(5), Decimal(7))
    assert approval.valid_until == AT + timedelta(minutes=30)
    assert [row["topic"] for row in await mongo.all_tenants("outbox").find(sort=[("seq", 1)])] == [
        "billing.approval-recorded.v1",
        "psa-sync.write-quantity.v1",
    ]
    assert (verify(await env.exported()).head.seq, verify(await env.exported()).intact) == (1, True)


async def test_the_command_carries_every_fact_that_the_person_was_shown(mongo: Mongo) -> None:
    env = await an_approval_env(mongo, a_line(vendor=7, psa=5))
    new_york = TenantCalendar(id="demo", currency="USD", time_zone="America/New_York")
    env.clock.now = datetime(2026, 3, 1, 4, 50, tzinfo=UTC)  # ten minutes before midnight in New York
    service = ApprovalService(
        env.approvals, env.ground, calendars={"demo": new_york}, clock=as_store_time(env.clock)
    )

    await service.approve(a_request(a_line(vendor=7, psa=5)))

    (row,) = await env.commands()
    command = WriteQuantity.model_validate_json(bytes(row["body"]))
    assert command.terms == LineTerms(
        account_id="acc",
        product_id="prod",
        billable=True,
        included=Decimal(0),
        unit_price=Decimal("9.5"),
        unit_cost=Decimal("4.25"),
        currency="USD",
    )
    assert (command.agreement_id, command.tenant_currency) == ("agr", "USD")
    assert command.day == date(2026, 2, 28)
    assert command.day_ends_at == datetime(2026, 3, 1, 5, 0, tzinfo=UTC)
    assert command.valid_until == datetime(2026, 3, 1, 5, 20, tzinfo=UTC)


async def test_the_same_key_again_answers_with_the_same_approval(mongo: Mongo) -> None:
    env = await an_approval_env(mongo, a_line())
    (first,) = await env.service.approve(a_request(a_line()))

    (again,) = await env.service.approve(a_request(a_line()))

    assert approved(again).approval == approved(first).approval
    assert (approved(again).replayed, approved(first).replayed) == (True, False)
    assert len(await env.commands()) == 1


async def test_a_typed_quantity_is_the_same_however_it_is_spelled(mongo: Mongo) -> None:
    env = await an_approval_env(mongo, a_line())
    (first,) = await env.service.approve(a_request(a_line(), quantity=Decimal(3)))

    (again,) = await env.service.approve(a_request(a_line(), quantity=Decimal("3.0")))

    assert approved(again).approval == approved(first).approval
    assert approved(first).approval.decision is ApprovalDecision.ADJUSTED


async def test_the_same_key_for_another_request_is_refused(mongo: Mongo) -> None:
    env = await an_approval_env(mongo, a_line())
    await env.service.approve(a_request(a_line()))

    with pytest.raises(RuleBroken, match="send a new key"):
        await env.service.approve(a_request(a_line(), quantity=Decimal(3)))


async def test_a_key_belongs_to_one_person_of_one_tenant(mongo: Mongo) -> None:
    others = a_line(tenant_id="other")
    env = await an_approval_env(mongo, a_line(), others)
    env.connected.known.append(an_integration(tenant_id="other"))
    await env.service.approve(a_request(a_line()))

    (other_tenant,) = await env.service.approve(a_request(others))
    (other_person,) = await env.service.approve(a_request(a_line(), person_id="bob"))

    assert not approved(other_tenant).replayed
    assert reasons([other_person]) == [RejectionReason.IN_FLIGHT]


async def test_two_posts_of_one_key_at_once_make_one_command(mongo: Mongo) -> None:
    here, there = await an_approval_env(mongo, a_line()), ApprovalEnv(mongo)

    answers = await asyncio.gather(*(env.service.approve(a_request(a_line())) for env in (here, there, here)))

    results = [approved(result) for (result,) in answers]
    assert len({result.approval.approval_id for result in results}) == 1
    assert [result.replayed for result in results].count(False) == 1
    assert len(await here.commands()) == 1


async def test_two_keys_on_one_line_at_once_make_one_command(mongo: Mongo) -> None:
    here, there = await an_approval_env(mongo, a_line()), ApprovalEnv(mongo)
    requests = [
        (env, a_request(a_line(), key=f"{env is here}-{n}")) for env in (here, there) for n in range(3)
    ]

    answers = await asyncio.gather(*(env.service.approve(request) for env, request in requests))

    assert Counter(reasons(results)[0] for results in answers) == {None: 1, RejectionReason.IN_FLIGHT: 5}
    assert len(await here.commands()) == 1
    assert verify(await here.exported()).head.seq == 1


async def test_a_line_that_changed_since_it_was_shown_is_answered_as_it_is_now(mongo: Mongo) -> None:
    env = await an_approval_env(mongo, a_line(vendor=9))

    (result,) = await env.service.approve(a_request(a_line(vendor=7)))

    assert reasons([result]) == [RejectionReason.STALE_SEAL]
    assert isinstance(result, RejectedLine)
    assert result.line == a_line(vendor=9)
    assert await env.commands() == []


async def test_a_line_that_changes_while_it_is_approved_is_judged_again(mongo: Mongo) -> None:
    env = await an_approval_env(mongo, a_line(vendor=7))
    overtaken = Overtaken(env, a_line(vendor=9))
    approvals = ApprovalRepository(mongo, env.outbox, env.audit, lines=overtaken, integrations=env.connected)

    (result,) = await ApprovalService(approvals, env.ground, clock=as_store_time(env.clock)).approve(
        a_request(a_line(vendor=7))
    )

    assert reasons([result]) == [RejectionReason.STALE_SEAL]
    assert isinstance(result, RejectedLine)
    assert result.line == a_line(vendor=9)
    assert await env.commands() == []


async def test_a_pending_integration_is_not_written_to(mongo: Mongo) -> None:
    env = await an_approval_env(mongo, a_line())
    env.connected.known[:] = [an_integration(status=IntegrationStatus.PENDING)]

    assert reasons(await env.service.approve(a_request(a_line()))) == [RejectionReason.NOT_ACTIVE]


async def test_many_are_answered_each_in_the_order_asked(mongo: Mongo) -> None:
    good = [a_line(f"line_{n}") for n in range(7)]
    env = await an_approval_env(mongo, *good, batch_size=3)
    stale, unknown = a_line("line_3", vendor=99), a_line("line_x")

    results = await env.service.approve(a_request(*good[:3], stale, unknown, *good[4:]))

    assert [result.line_id for result in results] == [f"line_{n}" for n in (0, 1, 2, 3, "x", 4, 5, 6)]
    assert reasons(results) == [
        None,
        None,
        None,
        RejectionReason.STALE_SEAL,
        RejectionReason.UNKNOWN_LINE,
        None,
        None,
        None,
    ]
    assert len(await env.commands()) == 6
    assert verify(await env.exported()).head.seq == 6


async def test_a_request_cut_off_between_batches_goes_on_where_it_stopped(mongo: Mongo) -> None:
    lines = [a_line(f"line_{n}") for n in range(5)]
    env = await an_approval_env(mongo, *lines, batch_size=2)
    request = a_request(*lines)
    first_batch = request.decisions[:2]
    decided: dict[str, Any] = {"now": AT, "valid_for": VALID_FOR, "calendar": TenantCalendar(id="demo")}
    await env.approvals.register(request)
    await env.approvals.commit_batch(
        request,
        first_batch,
        BatchJudge(partial(decide_batch, request, first_batch, **decided), AT),
        check_existing=False,
    )

    results = await ApprovalEnv(mongo, batch_size=2).service.approve(request)

    assert [approved(result).replayed for result in results] == [True, True, False, False, False]
    assert len(await env.commands()) == 5
    assert verify(await env.exported()).head.seq == 5


async def test_pages_are_newest_first_and_do_not_overlap(mongo: Mongo) -> None:
    lines = [a_line(f"line_{n}") for n in range(5)]
    env = await an_approval_env(mongo, *lines)
    await env.service.approve(a_request(*lines[:4]))
    env.clock.forward(timedelta(minutes=1))
    await env.service.approve(a_request(lines[4], key="key-2"))

    first, more = await env.approvals.page("demo", state=None, after=None, limit=3)
    rest, end = await env.approvals.page("demo", state=ApprovalState.COMMANDED, after=more, limit=3)

    assert first[0].line_id == "line_4"
    assert {approval.line_id for approval in [*first, *rest]} == {line.line_id for line in lines}
    assert (len(first), len(rest), end) == (3, 2, None)
    assert await env.approvals.page("other", state=None, after=None, limit=3) == ([], None)


class Overtaken(UsageLineRepository):
    """A reconciliation stores a line just after it was first read."""

    def __init__(self, env: ApprovalEnv, line: UsageLine) -> None:
        super().__init__(env.mongo, env.outbox)
        self._env, self._overtaking = env, [line]

    async def get_many(
        self, tenant_id: str, line_ids: Iterable[str], *, session: Session | None = None
    ) -> dict[str, UsageLine]:
        found = await super().get_many(tenant_id, line_ids, session=session)
        while self._overtaking:
            await self._env.store(self._overtaking.pop())
        return found


def reasons(results: Sequence[LineResult]) -> list[RejectionReason | None]:
    return [result.rejection.reason if isinstance(result, RejectedLine) else None for result in results]
