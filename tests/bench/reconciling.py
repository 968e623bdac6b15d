"""Row: usage lines reconciled per second, from marks to stored lines with their announcements."""

from observation_builders import TENANT

from billing.reconciliation.inputs import AccountGroupLoader
from billing.reconciliation.leader import ReconcilerLeader
from billing.reconciliation.reconciler import Reconciler
from billing.usage.calendar import TenantCalendar
from billing.usage.coverage_repository import CoverageRepository
from billing.usage.recalculation_queue import RecalculationQueue
from billing.usage.repository import UsageLineRepository
from shared.mongo import Mongo
from shared.outbox import Outbox
from shared.runtime.leases import Leases
from tests.bench.ground import Ground, Plan
from tests.bench.harness import Row, Sample, Spread
from tests.bench.month import hear, store_of
from tests.bench.usage import Stopwatch


async def measure(ground: Ground) -> list[Row]:
    """Reported alone: there is no bare loop that would do the same (architecture §12)."""
    amount = 400 if ground.quick else 2_000
    samples = [await ground.run(ours, ground.plan(amount)) for _ in range(1 if ground.quick else 3)]
    rates = Spread.of([sample.rate for sample in samples])
    return [Row(name="reconciling", unit="lines/s", ours=rates, samples=tuple(samples))]


async def ours(plan: Plan) -> Sample:
    """Raises `ValueError` when not every line is there: then the row would measure something else."""
    mongo = store_of(plan)
    await hear(mongo, plan.count)
    with Stopwatch() as watch:
        await reconcile(mongo)
    stored = await mongo.documents("usage_lines", TENANT).count({"present": True})
    await mongo.close()
    if stored != plan.count:
        raise ValueError(f"{stored} lines were reconciled, not {plan.count}")
    return watch.sample(stored)


async def reconcile(mongo: Mongo) -> None:
    """Billing's own job, until nothing is marked."""
    lines = UsageLineRepository(mongo, Outbox(mongo, "billing"), CoverageRepository(mongo))
    scopes = AccountGroupLoader(mongo, {TENANT: TenantCalendar(id=TENANT, currency="USD")})
    job = ReconcilerLeader(
        Reconciler(RecalculationQueue(mongo), scopes, lines), Leases(mongo), lines.acquire_fence
    )
    while await job.step():
        pass
    await job.release()
