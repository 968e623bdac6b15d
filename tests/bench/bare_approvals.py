"""Baseline of `approving`: only the bulk writes that approving cannot do without."""

# The documents are those that the product wrote in the half of the pair before: read back first, outside the
# measured time.  They are written in the same batches, each batch in one transaction and as durable; no
# reading of lines, no judging, no hash chain, no serialising.  Both halves find the store empty and the
# baseline leaves it so:  product writes 2,000 approvals → baseline reads, empties, writes again, empties.

from collections.abc import Mapping, Sequence

from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorDatabase

from billing.approvals.service import BATCH_SIZE
from shared.mongo import Document
from tests.bench.bench_env import Workload
from tests.bench.harness import Sample
from tests.bench.usage import Stopwatch

_WRITTEN = {"approvals": 1, "audit_entries": 1, "outbox": 2}
"""By collection: how many documents one approval writes there."""
_EMPTIED_TOO = ("approval_orders", "audit_heads", "line_guards")

Batch = Mapping[str, Sequence[Document]]


async def run_baseline(workload: Workload) -> Sample:
    """Write what the product wrote once more, and leave the store as it was before both."""
    client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(workload.mongo_url, tz_aware=True, w="majority")
    database = client[workload.name]
    documents = {name: await database[name].find({}).to_list(None) for name in _WRITTEN}
    batches: list[Batch] = [
        {name: documents[name][start * each : (start + BATCH_SIZE) * each] for name, each in _WRITTEN.items()}
        for start in range(0, workload.count, BATCH_SIZE)
    ]
    await _empty(database)
    with Stopwatch() as watch:
        for batch in batches:
            async with await client.start_session() as session, session.start_transaction():
                for name, rows in batch.items():
                    await database[name].insert_many(rows, ordered=False, session=session)
    written = await database["approvals"].count_documents({})
    await _empty(database)
    client.close()
    return watch.sample(written)


async def _empty(database: AsyncIOMotorDatabase[Document]) -> None:
    for name in (*_WRITTEN, *_EMPTIED_TOO):
        await database[name].delete_many({})
