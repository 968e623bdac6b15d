"""Row `approving`: approves many lines under one key, to the stored approvals, audit entries, commands."""

from uuid import uuid4

from observation_builders import TENANT

from billing.approvals.batch import ApprovalRequest, RejectedLine
from billing.approvals.eligibility import LineDecision
from billing.approvals.repository import ApprovalRepository
from billing.approvals.service import ApprovalService
from billing.audit.repository import AuditLog
from billing.observations.integrations import IntegrationDirectory
from billing.reconciliation.inputs import AccountGroupLoader
from billing.reconciliation.line_recalculator import LineRecalculator
from billing.usage.calendar import TenantCalendar
from billing.usage.recalculation_queue import RecalculationQueue
from billing.usage.repository import UsageLineRepository
from billing.usage.usage_line import UsageLine
from shared.outbox import Outbox
from shared.runtime.store_clock import StoreClock
from tests.bench.bare_approvals import run_baseline
from tests.bench.bench_env import BenchEnv, Workload
from tests.bench.harness import Row, Sample, Sign, Target, alternate, row_of_times
from tests.bench.month import a_feed_store, ingest_month, open_store
from tests.bench.reconciliation import reconcile_all
from tests.bench.usage import Stopwatch

_TARGET = Target(Sign.AT_MOST, 1.5)
_PAGE_SIZE = 500


async def measure(env: BenchEnv) -> list[Row]:
    """Use one month for all pairs: the product approves its lines, then the baseline writes them again."""
    amount = 400 if env.quick else 2_000
    workload = env.workload(amount)
    await env.run(prepare, workload)
    pairs = await alternate(
        lambda: env.run(run_product, workload), lambda: env.run(run_baseline, workload), env.pairs
    )
    note = "without HTTP and without sending the commands, which the relay does afterwards"
    return [row_of_times(f"approving {amount:,} lines", pairs, _TARGET, notes=(note,))]


async def prepare(workload: Workload) -> Sample:
    """Ingest and reconcile a month, and empty the outbox: the baseline counts its rows."""
    mongo = open_store(workload)
    with Stopwatch() as watch:
        await ingest_month(mongo, workload.count)
        await reconcile_all(mongo)
        await mongo.all_tenants("outbox").remove({})
    await mongo.close()
    return watch.sample(workload.count)


async def run_product(workload: Workload) -> Sample:
    """Approve every line; raises `ValueError` when one is refused: the row would measure something else."""
    mongo = open_store(workload)
    outbox = Outbox(mongo, "billing")
    lines = UsageLineRepository(mongo, outbox)
    ledger = ApprovalRepository(
        mongo, outbox, AuditLog(mongo), lines=lines, integrations=IntegrationDirectory(mongo)
    )
    calendars = {TENANT: TenantCalendar(id=TENANT, currency="USD")}
    groups = AccountGroupLoader(mongo, calendars, a_feed_store(mongo))
    recalculator = LineRecalculator(RecalculationQueue(mongo), groups, lines)
    decisions = tuple(LineDecision(line.line_id, line.seal) for line in await _read_lines(lines))
    request = ApprovalRequest(TENANT, "ann", str(uuid4()), decisions)
    with Stopwatch() as watch:
        results = await ApprovalService(ledger, recalculator, clock=StoreClock(mongo)).approve(request)
    refusals = [result.rejection.detail for result in results if isinstance(result, RejectedLine)]
    if refusals or len(results) != workload.count:
        raise ValueError(f"{len(refusals)} of {len(results)} lines were refused: {refusals[:1]}")
    await mongo.close()
    return watch.sample(len(results))


async def _read_lines(lines: UsageLineRepository) -> list[UsageLine]:
    found, after = await lines.page(TENANT, limit=_PAGE_SIZE)
    while after:
        more, after = await lines.page(TENANT, after=after, limit=_PAGE_SIZE)
        found += more
    return found
