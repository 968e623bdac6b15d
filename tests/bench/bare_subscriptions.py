"""Baseline of `subscriptions`: what a careful person writes by hand with aiokafka and motor."""

# The same records, decoding, batch size, partitions and durability as the product's consumer, and the same
# rule that a row only moves forward; without history, work items, dead letters, health and logs.
#
# Of a batch only the newest revision of each key is written, and only if it is newer than the stored one:
# revisions 3, 5, 4 of a key that is stored at 2 are one write, of 5.  Stored revisions are read first, since
# reading and then writing is several times as fast as a guarded upsert of every row; the guard stays, against
# another consumer that writes in between.

from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorCollection
from pymongo import InsertOne, ReplaceOne

from shared.contracts.vendor_sync import SubscriptionObserved
from shared.kafka import client_options
from shared.mongo import Document
from tests.bench.bench_env import Workload
from tests.bench.harness import Sample
from tests.bench.usage import Stopwatch

_BATCH_SIZE = 500
_IDS_PER_QUERY = 50
"""The embedded store's `$in` takes time with the square of its length (`shared.mongo`)."""


async def run_baseline(workload: Workload) -> Sample:
    client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(workload.mongo_url, tz_aware=True, w="majority")
    collection = client[workload.name]["subscriptions"]
    consumer = AIOKafkaConsumer(
        SubscriptionObserved.topic,
        **client_options(workload.kafka),
        group_id=workload.name,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await consumer.start()  # returns with the partitions assigned
    left = workload.count
    with Stopwatch() as watch:
        while left > 0:
            left -= await _consume_batch(consumer, collection)
    await consumer.stop()
    stored = await collection.count_documents({})
    client.close()
    return watch.sample(stored)


async def _consume_batch(consumer: AIOKafkaConsumer, collection: AsyncIOMotorCollection[Document]) -> int:
    batches = await consumer.getmany(timeout_ms=200, max_records=_BATCH_SIZE)
    events = [
        SubscriptionObserved.model_validate_json(record.value)
        for records in batches.values()
        for record in records
    ]
    if events:
        await _store(collection, events)
        await consumer.commit()
    return len(events)


async def _store(
    collection: AsyncIOMotorCollection[Document], events: Sequence[SubscriptionObserved]
) -> None:
    newest: dict[str, SubscriptionObserved] = {}
    for event in events:
        if event.key not in newest or newest[event.key].revision < event.revision:
            newest[event.key] = event
    stored = await _read_revisions(collection, list(newest))
    operations: list[InsertOne[Document] | ReplaceOne[Document]] = []
    for key, event in newest.items():
        document = {"_id": key, **event.model_dump(mode="json")}
        if key not in stored:
            operations.append(InsertOne(document))
        elif stored[key] < event.revision:
            older = {"_id": key, "revision": {"$lt": event.revision}}
            operations.append(ReplaceOne(older, document))
    if operations:
        await collection.bulk_write(operations, ordered=False)


async def _read_revisions(
    collection: AsyncIOMotorCollection[Document], keys: Sequence[str]
) -> dict[str, int]:
    revisions: dict[str, int] = {}
    for start in range(0, len(keys), _IDS_PER_QUERY):
        query = {"_id": {"$in": keys[start : start + _IDS_PER_QUERY]}}
        rows = await collection.find(query, {"revision": 1}).to_list(None)
        revisions |= {row["_id"]: row["revision"] for row in rows}
    return revisions
