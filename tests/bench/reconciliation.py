"""Row `reconciling`: usage lines per second, from work items to stored lines with their events."""

from observation_builders import TENANT

from billing.observations.account_news import AccountNews
from billing.reconciliation.inputs import AccountGroupLoader
from billing.reconciliation.leader import ReconcilerLeader
from billing.reconciliation.reconciler import Reconciler
from billing.usage.calendar import TenantCalendar
from billing.usage.recalculation_queue import RecalculationQueue
from billing.usage.repository import UsageLineRepository
from shared.mongo import Mongo
from shared.outbox import Outbox
from shared.runtime.leases import Leases
from tests.bench.bench_env import BenchEnv, Workload
from tests.bench.harness import Row, Sample, Spread
from tests.bench.month import a_feed_store, ingest_month, open_store
from tests.bench.usage import Stopwatch


async def measure(env: BenchEnv) -> list[Row]:
    """Report the product alone: no bare loop would do the same (architecture §12)."""
    amount = 400 if env.quick else 2_000
    samples = [await env.run(run_product, env.workload(amount)) for _ in range(1 if env.quick else 3)]
    rates = Spread.of([sample.rate for sample in samples])
    return [Row(name="reconciling", unit="lines/s", ours=rates, samples=tuple(samples))]


async def run_product(workload: Workload) -> Sample:
    """Reconcile a month; raises `ValueError` when a line is missing: the row would measure something else."""
    mongo = open_store(workload)
    await ingest_month(mongo, workload.count)
    with Stopwatch() as watch:
        await reconcile_all(mongo)
    stored = await mongo.documents("usage_lines", TENANT).count({"present": True})
    await mongo.close()
    if stored != workload.count:
        raise ValueError(f"{stored} lines were reconciled, not {workload.count}")
    return watch.sample(stored)


async def reconcile_all(mongo: Mongo) -> None:
    """Run billing's own job until its work queue is empty."""
    lines = UsageLineRepository(mongo, Outbox(mongo, "billing"))
    calendars, feeds = {TENANT: TenantCalendar(id=TENANT, currency="USD")}, a_feed_store(mongo)
    groups = AccountGroupLoader(mongo, calendars, feeds)
    job = ReconcilerLeader(
        Reconciler(RecalculationQueue(mongo), groups, lines, AccountNews(mongo)),
        Leases(mongo),
        lines.acquire_fence,
    )
    while await job.step():
        pass
    await job.release()
