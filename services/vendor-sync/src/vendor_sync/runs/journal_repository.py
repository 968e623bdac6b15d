"""Stores answers from when they are given until they are stored in the queue: one document a group."""

# Invariant: a worker numbers its own groups alone. The number of its claim is part of the ids, so a worker
# that was succeeded and still writes takes no number of its successor, and the order stays that of the calls:
#
#   demo:int_1:run_1:00000001:00000007   the seventh group of the first worker

from collections.abc import AsyncIterator, Sequence

from shared.contracts.base import key_of
from shared.mongo import Document, Documents, Mongo
from shared.sync_engine.models import Run
from vendor_sync.runs.answers import ANSWERS, DetailAnswer

COLLECTION = "answers"


class JournalRepository:
    """Keeps the answers of the present run of each integration."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def append(self, run: Run, group: int, answers: Sequence[DetailAnswer]) -> None:
        # No transaction that asserts the claim: it would cost each group as much as all else, and an answer
        # is true whoever asked for it.
        await self._rows(run).insert_new([{"_id": _id(run, group), "answers": ANSWERS.dump_json([*answers])}])

    async def left(self, run: Run) -> AsyncIterator[list[DetailAnswer]]:
        async for row in self._rows(run).stream(_within(_run_prefix(run)), sort=[("_id", 1)]):
            yield ANSWERS.validate_json(row["answers"])

    async def discard(self, run: Run, *, up_to: int) -> None:
        mine = {"_id": {"$gt": _claim_prefix(run), "$lte": _id(run, up_to)}}
        await self._rows(run).remove(mine)

    async def clear(self, run: Run) -> None:
        await self._rows(run).remove(_within(key_of(run.tenant_id, run.integration_id) + ":"))

    def _rows(self, run: Run) -> Documents:
        return self._mongo.documents(COLLECTION, run.tenant_id)


def _within(prefix: str) -> Document:
    return {"_id": {"$gt": prefix, "$lt": prefix + "\uffff"}}


def _run_prefix(run: Run) -> str:
    return key_of(run.tenant_id, run.integration_id, run.run_id) + ":"


def _claim_prefix(run: Run) -> str:
    return f"{_run_prefix(run)}{run.claims:08}:"


def _id(run: Run, group: int) -> str:
    return f"{_claim_prefix(run)}{group:08}"
