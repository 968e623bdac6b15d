"""Row: approving many lines under one key, to the stored approvals, audit entries and commands."""

from uuid import uuid4

from observation_builders import TENANT

from billing.approvals.batch import ApprovalRequest, RejectedLine
from billing.approvals.eligibility import LineDecision
from billing.approvals.repository import ApprovalRepository
from billing.approvals.service import ApprovalService
from billing.audit.repository import AuditLog
from billing.observations.integrations import IntegrationDirectory
from billing.usage.coverage_repository import CoverageRepository
from billing.usage.repository import UsageLineRepository
from billing.usage.usage_line import UsageLine
from shared.outbox import Outbox
from tests.bench.bare_approving import bare
from tests.bench.ground import Ground, Plan
from tests.bench.harness import Row, Sample, Sign, Target, in_turn, row_of_times
from tests.bench.month import hear, store_of
from tests.bench.reconciling import reconcile
from tests.bench.usage import Stopwatch

_TARGET = Target(Sign.AT_MOST, 1.5)
_PAGE = 500


async def measure(ground: Ground) -> list[Row]:
    """One month for all pairs: ours approves all its lines, then the baseline writes the same again."""
    amount = 400 if ground.quick else 2_000
    plan = ground.plan(amount)
    await ground.run(prepare, plan)
    pairs = await in_turn(lambda: ground.run(ours, plan), lambda: ground.run(bare, plan), ground.pairs)
    note = "without HTTP and without sending the commands, which the relay does afterwards"
    return [row_of_times(f"approving {amount:,} lines", pairs, _TARGET, notes=(note,))]


async def prepare(plan: Plan) -> Sample:
    """A month, reconciled; of what that said nothing is left to send."""
    mongo = store_of(plan)
    with Stopwatch() as watch:
        await hear(mongo, plan.count)
        await reconcile(mongo)
        await mongo.all_tenants("outbox").remove({})
    await mongo.close()
    return watch.sample(plan.count)


async def ours(plan: Plan) -> Sample:
    """Raises `ValueError` when not every line was approved: then the row would measure something else."""
    mongo = store_of(plan)
    outbox = Outbox(mongo, "billing")
    lines = UsageLineRepository(mongo, outbox, CoverageRepository(mongo))
    ledger = ApprovalRepository(
        mongo, outbox, AuditLog(mongo), lines=lines, integrations=IntegrationDirectory(mongo)
    )
    decisions = tuple(LineDecision(line.line_id, line.seal) for line in await _all(lines))
    request = ApprovalRequest(TENANT, "ann", str(uuid4()), decisions)
    with Stopwatch() as watch:
        results = await ApprovalService(ledger).approve(request)
    refused = [result.rejection.detail for result in results if isinstance(result, RejectedLine)]
    if refused or len(results) != plan.count:
        raise ValueError(f"{len(refused)} of {len(results)} lines were refused: {refused[:1]}")
    await mongo.close()
    return watch.sample(len(results))


async def _all(lines: UsageLineRepository) -> list[UsageLine]:
    found, after = await lines.page(TENANT, limit=_PAGE)
    while after:
        more, after = await lines.page(TENANT, after=after, limit=_PAGE)
        found += more
    return found
