"""Baseline: the bulk writes that approving cannot do without, of documents that lie ready.

The same documents as ours wrote the turn before, in the same batches, each batch atomic and as durable; no
reading of lines, no judging, no hash chain, no serialising.
"""

from collections.abc import Mapping, Sequence

from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorClientSession, AsyncIOMotorDatabase

from billing.approvals.service import BATCH_SIZE
from shared.mongo import Document
from tests.bench.ground import Plan
from tests.bench.harness import Sample
from tests.bench.usage import Stopwatch

_WRITTEN = {"approvals": 1, "audit_entries": 1, "outbox": 2}
"""How many documents of each collection one approval comes to."""
_LEFT = ("approval_orders", "audit_heads", "line_guards")

Batch = Mapping[str, Sequence[Document]]


async def bare(plan: Plan) -> Sample:
    """Takes what ours wrote, and leaves the store as it was before both."""
    client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(plan.mongo_url, tz_aware=True, w="majority")
    database = client[plan.name]
    batches = _batches({name: await database[name].find({}).to_list(None) for name in _WRITTEN}, plan.count)
    await _empty(database)
    with Stopwatch() as watch:
        for batch in batches:
            async with await client.start_session() as session, session.start_transaction():
                await _write(database, batch, session)
    written = await database["approvals"].count_documents({})
    await _empty(database)
    client.close()
    return watch.sample(written)


async def _write(
    database: AsyncIOMotorDatabase[Document], batch: Batch, session: AsyncIOMotorClientSession
) -> None:
    for name, documents in batch.items():
        await database[name].insert_many(documents, ordered=False, session=session)


def _batches(documents: Batch, approvals: int) -> list[Batch]:
    return [
        {name: documents[name][start * each : (start + BATCH_SIZE) * each] for name, each in _WRITTEN.items()}
        for start in range(0, approvals, BATCH_SIZE)
    ]


async def _empty(database: AsyncIOMotorDatabase[Document]) -> None:
    for name in (*_WRITTEN, *_LEFT):
        await database[name].delete_many({})
