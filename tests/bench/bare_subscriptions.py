"""Baseline: what a careful person writes by hand with aiokafka and motor, and nothing around it.

The same records, decode, batch size, partitions, forward guard and durability; no marks, no history, no
dead letters, no health, no logs.
"""

from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorCollection
from pymongo import InsertOne, ReplaceOne

from shared.contracts.vendor_sync import SubscriptionObserved
from shared.mongo import Document
from tests.bench.ground import Plan
from tests.bench.harness import Sample
from tests.bench.usage import Stopwatch

_AT_ONCE = 500
_IDS_AT_ONCE = 50
"""The embedded store's `$in` takes time with the square of its length (`shared.mongo`)."""


async def bare(plan: Plan) -> Sample:
    client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(plan.mongo_url, tz_aware=True, w="majority")
    rows = client[plan.name]["subscriptions"]
    consumer = AIOKafkaConsumer(
        SubscriptionObserved.topic,
        bootstrap_servers=plan.kafka,
        group_id=plan.name,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await consumer.start()  # returns with the partitions assigned
    left = plan.count
    with Stopwatch() as watch:
        while left > 0:
            left -= await _batch(consumer, rows)
    await consumer.stop()
    stored = await rows.count_documents({})
    client.close()
    return watch.sample(stored)


async def _batch(consumer: AIOKafkaConsumer, rows: AsyncIOMotorCollection[Document]) -> int:
    records = await consumer.getmany(timeout_ms=200, max_records=_AT_ONCE)
    news = [SubscriptionObserved.model_validate_json(one.value) for some in records.values() for one in some]
    if news:
        await _store(rows, news)
        await consumer.commit()
    return len(news)


async def _store(rows: AsyncIOMotorCollection[Document], news: Sequence[SubscriptionObserved]) -> None:
    """Forward only. Looking first is several times as fast as guarded upserts, so that is the rival."""
    newest: dict[str, SubscriptionObserved] = {}
    for one in news:
        if one.key not in newest or newest[one.key].revision < one.revision:
            newest[one.key] = one
    known = await _revisions(rows, list(newest))
    operations = [
        _operation(_document(one), known=key in known)
        for key, one in newest.items()
        if known.get(key, -1) < one.revision
    ]
    if operations:
        await rows.bulk_write(operations, ordered=False)


async def _revisions(rows: AsyncIOMotorCollection[Document], keys: Sequence[str]) -> dict[str, int]:
    known: dict[str, int] = {}
    for start in range(0, len(keys), _IDS_AT_ONCE):
        wanted = {"_id": {"$in": keys[start : start + _IDS_AT_ONCE]}}
        found = await rows.find(wanted, {"revision": 1}).to_list(None)
        known |= {row["_id"]: row["revision"] for row in found}
    return known


def _document(one: SubscriptionObserved) -> Document:
    return {"_id": one.key, **one.model_dump(mode="json")}


def _operation(document: Document, *, known: bool) -> InsertOne[Document] | ReplaceOne[Document]:
    if not known:
        return InsertOne(document)
    return ReplaceOne({"_id": document["_id"], "revision": {"$lt": document["revision"]}}, document)
