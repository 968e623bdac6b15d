"""Row `subscriptions`: billing's consumer of subscriptions, from the topic to the stored observations."""

import asyncio

from observation_builders import a_subscription
from pydantic import SecretStr

from billing.app import INDEXES
from billing.observations.read_backs import ReadBacks
from billing.observations.repository import ObservationRepository
from billing.observations.service import ObservationIngestor
from billing.usage.recalculation_queue import RecalculationQueue
from shared.contracts.vendor_sync import SubscriptionObserved
from shared.kafka import Publisher, consume, make_broker
from shared.mongo import Mongo
from shared.runtime.settings import MongoSettings
from tests.bench.bare_subscriptions import run_baseline
from tests.bench.bench_env import BenchEnv, Workload
from tests.bench.harness import Row, Sample, Sign, Target, alternate, row_of_rates
from tests.bench.usage import Stopwatch

_TARGET = Target(Sign.AT_LEAST, 0.6)
_PER_ACCOUNT = 8


async def measure(env: BenchEnv) -> list[Row]:
    """Let both sides read the same topic from its start, each into a database of its own."""
    amount = 3_000 if env.quick else 10_000
    await _publish(env.workload(amount))
    pairs = await alternate(
        lambda: env.run(run_product, env.workload(amount)),
        lambda: env.run(run_baseline, env.workload(amount)),
        env.pairs,
    )
    return [row_of_rates("subscription pipeline", "subscriptions/s", pairs, _TARGET)]


async def run_product(workload: Workload) -> Sample:
    """Run billing's own consumer with billing's own indexes; nothing reconciles meanwhile."""
    mongo = Mongo(MongoSettings(url=SecretStr(workload.mongo_url), database=workload.name))
    await mongo.ensure(INDEXES)
    broker = make_broker(workload.kafka, workload.name)
    ingestor = ObservationIngestor(
        ObservationRepository(mongo), ReadBacks(mongo), RecalculationQueue(mongo), wake=lambda: None
    )
    left, done = workload.count, asyncio.Event()

    async def on_subscriptions(events: list[SubscriptionObserved]) -> None:
        nonlocal left
        await ingestor.ingest(events)
        left -= len(events)
        if left <= 0:
            done.set()

    consume(broker, SubscriptionObserved, on_subscriptions, service=workload.name)
    await broker.start()  # returns with the partitions assigned
    with Stopwatch() as watch:
        await done.wait()
    await broker.stop()
    stored = await mongo.all_tenants("subscriptions").count()
    await mongo.close()
    return watch.sample(stored)


async def _publish(workload: Workload) -> None:
    broker = make_broker(workload.kafka, "bench")
    await broker.start()
    events = [
        a_subscription(number % 60, id_=f"sub{number:06}", account=f"account{number // _PER_ACCOUNT:05}")
        for number in range(workload.count)
    ]
    await Publisher(broker, "bench").publish(events)
    await broker.stop()
