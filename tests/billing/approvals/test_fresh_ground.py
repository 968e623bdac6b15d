"""Nobody decides on outdated ground: what waits to be calculated is calculated within the request."""

from collections.abc import Collection
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from approval_env import a_request, approved
from billing_world import World, a_mapped_world
from clocks import as_store_time
from manifest_builders import CO1
from observation_builders import NOW, TENANT, a_mapping, a_subscription, an_agreement_line
from observation_builders import an_integration as integration

from billing.approvals.batch import BatchJudge, BatchOutcome, GroundOutdated, LineResult, RejectedLine
from billing.approvals.eligibility import RejectionReason
from billing.approvals.repository import ApprovalRepository
from billing.approvals.service import ApprovalService
from billing.audit.repository import AuditLog
from billing.observations.integrations import IntegrationDirectory
from billing.reconciliation.line_recalculator import LineRecalculator
from billing.usage.diff import LineRevision
from billing.usage.ref import Ref
from billing.usage.usage_line import UsageLine
from shared.contracts.auth import IntegrationStatus
from shared.contracts.billing import LineClass
from shared.contracts.matcher import MappingDecision
from shared.contracts.psa_sync import CancelWrite
from shared.mongo import Mongo

SECOND_SERVICE = a_mapping("service", "svc2", "prod1")


class CountedLoads:
    """A world's account groups, and how often they were loaded."""

    def __init__(self, world: World) -> None:
        self._groups, self.loads = world.groups, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._groups, name)

    async def load_groups(self, tenant_id: str, accounts: Collection[Ref]) -> Any:
        self.loads += 1
        return await self._groups.load_groups(tenant_id, accounts)


class Approver:
    """Approves in a world of 7 bought of one service, 3 of a service that is not mapped, and 5 billed."""

    def __init__(self, world: World) -> None:
        self.world, self.groups = world, CountedLoads(world)
        approvals = ApprovalRepository(
            world.mongo,
            world.outbox,
            AuditLog(world.mongo),
            lines=world.lines,
            integrations=IntegrationDirectory(world.mongo),
        )
        world.lines.watchers.append(approvals)
        recalculator = LineRecalculator(world.queue, self.groups, world.lines, clock=world.clock)
        self.service = ApprovalService(approvals, recalculator, clock=as_store_time(world.clock))

    async def line(self) -> UsageLine:
        """The line of the target as it is stored."""
        [line] = [line for line in await self.world.stored() if line.psa_account_id]
        return line

    async def approve(self, line: UsageLine, key: str = "key-1") -> LineResult:
        (result,) = await self.service.approve(a_request(line, key=key))
        return result

    async def cancels(self) -> int:
        return len(await self.world.events(CancelWrite.topic))


async def an_approver(mongo: Mongo, **agreement_line: Any) -> Approver:
    bought = a_subscription(7), a_subscription(3, id_="sub2", service="svc2")
    return Approver(await a_mapped_world(mongo, *bought, an_agreement_line(5, **agreement_line)))


def judged_anew(result: LineResult) -> UsageLine:
    """The line with which a decision on an outdated one is answered."""
    assert isinstance(result, RejectedLine)
    assert result.rejection.reason is RejectionReason.STALE_SEAL
    assert result.line
    return result.line


async def test_a_mapping_that_was_decided_a_moment_ago_is_ground_already(mongo: Mongo) -> None:
    person = await an_approver(mongo)
    shown = await person.line()
    await person.world.ingest(SECOND_SERVICE)

    fresh = judged_anew(await person.approve(shown))

    assert (fresh.vendor_count.number, fresh.line_class) == (Decimal(10), LineClass.VENDOR_HIGHER)
    assert (await person.line()).vendor_count.number == Decimal(7)


async def test_a_mapping_that_was_revoked_a_moment_ago_is_ground_no_more(mongo: Mongo) -> None:
    person = await an_approver(mongo)
    shown = await person.line()
    await person.world.ingest(
        a_mapping("account", "acme", "co1", revision=2, decision=MappingDecision.REVOKED)
    )

    assert judged_anew(await person.approve(shown)).line_class is LineClass.NOT_BOUGHT


async def test_a_marketplace_that_was_left_a_moment_ago_gives_no_number(mongo: Mongo) -> None:
    person = await an_approver(mongo)
    shown = await person.line()
    await person.world.ingest(integration(revision=2, status=IntegrationStatus.DISCONNECTED))

    assert judged_anew(await person.approve(shown)).reason == "vendor not-connected"


async def test_an_agreement_line_that_ended_at_midnight_is_not_written_to(mongo: Mongo) -> None:
    person = await an_approver(mongo, ends_on=NOW.date() + timedelta(days=1))
    shown = await person.line()
    person.world.advance(days=1)

    fresh = judged_anew(await person.approve(shown))

    assert (fresh.line_class, fresh.evidence.billed) == (LineClass.NOT_BILLED, ())


async def test_a_manifest_that_counts_and_is_not_calculated_yet_is_ground_already(mongo: Mongo) -> None:
    person = await an_approver(mongo)
    shown = await person.line()
    await person.world.read(a_subscription(8, revision=20))

    assert judged_anew(await person.approve(shown)).vendor_count.number == Decimal(8)


async def test_a_manifest_that_waits_to_be_applied_is_no_ground_yet(mongo: Mongo) -> None:
    person = await an_approver(mongo)
    shown = await person.line()
    await person.world.ingest(a_subscription(8, revision=20))
    await person.world.ingest(*person.world.manifests_of())

    approved(await person.approve(shown))
    await person.world.apply()
    await person.world.reconcile()

    assert await person.cancels() == 1


async def test_the_line_with_which_a_decision_was_refused_can_be_approved_at_once(mongo: Mongo) -> None:
    person = await an_approver(mongo)
    shown = await person.line()
    await person.world.ingest(SECOND_SERVICE)
    fresh = judged_anew(await person.approve(shown))

    result = approved(await person.approve(fresh, key="key-2"))
    await person.world.reconcile()

    assert (result.approval.target, result.approval.seal) == (Decimal(10), fresh.seal)
    assert (await person.line()).seal == fresh.seal
    assert await person.cancels() == 0


async def test_ground_that_is_taken_back_before_it_was_reconciled_cancels_what_was_approved_on_it(
    mongo: Mongo,
) -> None:
    person = await an_approver(mongo)
    shown = await person.line()
    await person.world.ingest(SECOND_SERVICE)
    approved(await person.approve(judged_anew(await person.approve(shown)), key="key-2"))

    await person.world.ingest(
        a_mapping("service", "svc2", "prod1", revision=2, decision=MappingDecision.REVOKED)
    )
    await person.world.reconcile()

    assert (await person.line()).seal == shown.seal
    assert await person.cancels() == 1


async def test_a_group_that_cannot_be_calculated_is_not_approved_by_what_it_was(mongo: Mongo) -> None:
    person = await an_approver(mongo)
    shown = await person.line()
    await person.world.read(a_subscription(8, revision=20))
    await mongo.documents("agreement_lines", TENANT).change({}, {"$set": {"quantity": "many"}})

    failed = judged_anew(await person.approve(shown))
    again = await person.approve(failed, key="key-2")

    assert failed.reason == "failed"
    assert isinstance(again, RejectedLine)
    assert again.rejection.reason is RejectionReason.FAILED


async def test_while_nothing_waits_nothing_is_calculated(mongo: Mongo) -> None:
    person = await an_approver(mongo)

    approved(await person.approve(await person.line()))

    assert person.groups.loads == 0


async def test_work_on_another_group_calculates_nothing(mongo: Mongo) -> None:
    person = await an_approver(mongo)
    shown = await person.line()
    await person.world.read(a_subscription(4, id_="other", account="zed"))

    approved(await person.approve(shown))

    assert person.groups.loads == 0


@pytest.mark.parametrize("stored_again", [True, False], ids=["stored again", "as it was"])
async def test_a_line_that_was_stored_again_since_it_was_calculated_is_calculated_again(
    mongo: Mongo, stored_again: bool
) -> None:
    person = await an_approver(mongo)
    line = await person.line()
    before = line.model_copy(update={"revision": line.revision - stored_again})
    judge = BatchJudge(lambda _: BatchOutcome(()), NOW, {line.line_id: LineRevision(line, True, before)})

    if stored_again:
        with pytest.raises(GroundOutdated) as outdated:
            judge.current_lines({line.line_id: line})
        assert outdated.value.line_ids == [line.line_id]
    else:
        assert judge.current_lines({line.line_id: line}) == {line.line_id: line}


async def test_what_time_has_changed_is_calculated_before_anything_is_decided(mongo: Mongo) -> None:
    person = await an_approver(mongo)
    line = await person.line()
    assert line.recheck_at
    judge = BatchJudge(lambda _: BatchOutcome(()), line.recheck_at)

    with pytest.raises(GroundOutdated):
        judge.current_lines({line.line_id: line})


async def test_a_group_of_many_accounts_is_known_by_each_of_them(mongo: Mongo) -> None:
    world = (await an_approver(mongo)).world
    await world.ingest(a_mapping("account", "beta", "co1"))

    groups = await world.groups.group_accounts(TENANT, [CO1])

    assert {account.id for account in groups[CO1]} == {"co1", "acme", "beta"}
