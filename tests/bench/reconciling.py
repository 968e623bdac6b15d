"""Row: usage lines reconciled per second, from marks to stored lines with their announcements."""

from billing.jobs import Reconciler
from billing.models.periods import Tenant
from billing.repository.coverages import Coverages
from billing.repository.scopes import Scopes
from billing.repository.touched import Touched
from billing.repository.usage_lines import UsageLines
from billing.service.reconciling import Reconciling
from shared.leases import Leases
from shared.mongo import Mongo
from shared.outbox import Outbox
from tests.bench.ground import Ground, Plan
from tests.bench.harness import Row, Sample, Spread
from tests.bench.month import TENANT, hear, store_of
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
    lines = UsageLines(mongo, Outbox(mongo, "billing"), Coverages(mongo))
    scopes = Scopes(mongo, {TENANT: Tenant(id=TENANT, currency="USD")})
    job = Reconciler(Reconciling(Touched(mongo), scopes, lines), Leases(mongo), lines.admit)
    while await job.step():
        pass
    await job.release()
