"""Row: the subscription pipeline, from the topic to the counts stored, as billing's consumer does it."""

import asyncio

from observation_builders import a_subscription
from pydantic import SecretStr

from billing.app import INDEXES
from billing.observations.receipts import Receipts
from billing.observations.repository import ObservationRepository
from billing.observations.service import ObservationIngestor
from billing.usage.recalculation_queue import RecalculationQueue
from shared.contracts.vendor_sync import SubscriptionObserved
from shared.kafka import Publisher, consume, make_broker
from shared.mongo import Mongo
from shared.runtime.settings import KafkaSettings, MongoSettings
from tests.bench.bare_subscriptions import bare
from tests.bench.ground import Ground, Plan
from tests.bench.harness import Row, Sample, Sign, Target, in_turn, row_of_rates
from tests.bench.usage import Stopwatch

_TARGET = Target(Sign.AT_LEAST, 0.6)
_PER_ACCOUNT = 8


async def measure(ground: Ground) -> list[Row]:
    """Every side reads the same topic from its start, into a database of its own."""
    amount = 3_000 if ground.quick else 10_000
    await _publish(ground.plan(amount))
    pairs = await in_turn(
        lambda: ground.run(ours, ground.plan(amount)),
        lambda: ground.run(bare, ground.plan(amount)),
        ground.pairs,
    )
    return [row_of_rates("subscription pipeline", "subscriptions/s", pairs, _TARGET)]


async def ours(plan: Plan) -> Sample:
    """Billing's own consumer with billing's own indexes; nothing reconciles meanwhile."""
    mongo = Mongo(MongoSettings(url=SecretStr(plan.mongo_url), database=plan.name))
    await mongo.ensure(INDEXES)
    broker = make_broker(KafkaSettings(servers=plan.kafka), plan.name)
    observing = ObservationIngestor(
        ObservationRepository(mongo), Receipts(mongo), RecalculationQueue(mongo), wake=lambda: None
    )
    left, done = plan.count, asyncio.Event()

    async def on_subscriptions(news: list[SubscriptionObserved]) -> None:
        nonlocal left
        await observing.ingest(news)
        left -= len(news)
        if left <= 0:
            done.set()

    consume(broker, SubscriptionObserved, on_subscriptions, service=plan.name)
    await broker.start()  # returns with the partitions assigned
    with Stopwatch() as watch:
        await done.wait()
    await broker.stop()
    stored = await mongo.all_tenants("subscriptions").count()
    await mongo.close()
    return watch.sample(stored)


async def _publish(plan: Plan) -> None:
    broker = make_broker(KafkaSettings(servers=plan.kafka), "bench")
    await broker.start()
    news = [
        a_subscription(place % 60, id_=f"sub{place:06}", account=f"account{place // _PER_ACCOUNT:05}")
        for place in range(plan.count)
    ]
    await Publisher(broker, "bench").publish(news)
    await broker.stop()
