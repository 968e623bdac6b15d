"""Row: approving many lines under one key, to the stored approvals, audit entries and commands."""

from uuid import uuid4

from billing.models.approvable import Choice
from billing.models.usage_line import UsageLine
from billing.repository.approvals import Approvals
from billing.repository.audit import Audit
from billing.repository.coverages import Coverages
from billing.repository.integrations import Integrations
from billing.repository.usage_lines import UsageLines
from billing.service.approving import Approving, Order
from shared.outbox import Outbox
from tests.bench.bare_approving import bare
from tests.bench.ground import Ground, Plan
from tests.bench.harness import Row, Sample, Sign, Target, in_turn, row_of_times
from tests.bench.month import TENANT, hear, store_of
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
    lines = UsageLines(mongo, outbox, Coverages(mongo))
    ledger = Approvals(mongo, outbox, Audit(mongo), lines=lines, integrations=Integrations(mongo))
    choices = tuple(Choice(line.line_id, line.seal) for line in await _all(lines))
    order = Order(TENANT, "ann", str(uuid4()), choices)
    with Stopwatch() as watch:
        results = await Approving(ledger).approve(order)
    refused = [one.objected.sentence for one in results if one.objected]
    if refused or len(results) != plan.count:
        raise ValueError(f"{len(refused)} of {len(results)} lines were refused: {refused[:1]}")
    await mongo.close()
    return watch.sample(len(results))


async def _all(lines: UsageLines) -> list[UsageLine]:
    found, after = await lines.page(TENANT, limit=_PAGE)
    while after:
        more, after = await lines.page(TENANT, after=after, limit=_PAGE)
        found += more
    return found
