"""Row `manifests`: how long manifests of twelve things take from stored parts to counting."""

from datetime import UTC, datetime

from manifest_builders import account_reads
from observation_builders import a_subscription

from billing.app import INDEXES
from shared.contracts.base import utc
from shared.contracts.vendor_sync import SubscriptionObserved
from shared.mongo import Mongo
from tests.bench.bench_env import BenchEnv, Workload
from tests.bench.harness import Row, Sample, Sign, Spread, Target
from tests.bench.month import an_applier, ingest_all, ingest_parts, open_store
from tests.bench.usage import Stopwatch

_TARGET = Target(Sign.AT_MOST, 3.0)
_MANIFESTS, _THINGS = 1_000, 12
_MORE_REVISIONS = 1_000_000


async def measure(env: BenchEnv) -> list[Row]:
    """Report the product alone, in seconds for a thousand: the target is one of time."""
    amount = _MANIFESTS // (4 if env.quick else 1)
    rows = []
    for name, run in (("applying 1,000 manifests", run_product), ("… that change nothing", run_unchanged)):
        samples = [await env.run(run, env.workload(amount)) for _ in range(1 if env.quick else 3)]
        seconds = Spread.of([sample.seconds * _MANIFESTS / sample.count for sample in samples])
        rows.append(Row(name=name, unit="s", ours=seconds, target=_TARGET, samples=tuple(samples)))
    return rows


async def run_product(workload: Workload) -> Sample:
    """Let the first manifest of each account count; what they name is stored."""
    mongo = await _prepared(workload)
    sample = await _apply(mongo, workload.count)
    await mongo.close()
    return sample


async def run_unchanged(workload: Workload) -> Sample:
    """Let a second manifest of each account count, which names the same."""
    mongo = await _prepared(workload)
    await _apply(mongo, workload.count)
    news, read_at = _bought(workload.count), utc(datetime.now(UTC))
    await ingest_parts(mongo, account_reads(news, revision=_MORE_REVISIONS, read_at=read_at, run_id="run-2"))
    sample = await _apply(mongo, workload.count)
    await mongo.close()
    return sample


async def _prepared(workload: Workload) -> Mongo:
    mongo, news = open_store(workload), _bought(workload.count)
    await mongo.ensure(INDEXES)
    await ingest_all(mongo, news)
    await ingest_parts(mongo, account_reads(news, read_at=utc(datetime.now(UTC))))
    return mongo


async def _apply(mongo: Mongo, count: int) -> Sample:
    """Measure until nothing waits; raises `ValueError` when a manifest still does."""
    applier = an_applier(mongo)
    with Stopwatch() as watch:
        while await applier.step():
            pass
    if left := await mongo.all_tenants("manifest_arrivals").count():
        raise ValueError(f"manifests still wait: {left} batches of them")
    return watch.sample(count)


def _bought(accounts: int) -> list[SubscriptionObserved]:
    return [
        a_subscription(number % 60, id_=f"sub{number:06}", account=f"acc{number // _THINGS:05}")
        for number in range(accounts * _THINGS)
    ]
