"""The subscriptions collection: one document for each subscription that was ever listed.

No index but that of the ids, by whose beginning an integration's documents are found: every write would pay
for it, and what is read otherwise is most of them.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from shared.contracts.base import key_of
from shared.mongo import Change, Document, Documents, Mongo, Replace, Session, Update
from shared.sync_engine.models import Run
from shared.sync_engine.run_repository import assert_ownership
from vendor_sync.marketplace import BILLABLE
from vendor_sync.runs.detail_queue import RANKS, DetailEntry, DetailState, QueueProgress

COLLECTION = "subscriptions"

_ENTRY: TypeAdapter[DetailEntry] = TypeAdapter(DetailEntry)
_AT_ONCE = 500
_PAGE = 2_000
"""Entries read from the list at a time: a few megabytes."""


class DetailQueueRepository:
    """The to-do list of the present run of each integration, and what earlier runs left to know."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def known(self, run: Run, ids: Sequence[str]) -> Mapping[str, DetailEntry]:
        rows = await self._of(run).get_many([_id(run, one) for one in ids])
        return {entry.subscription_id: entry for entry in map(_entry, rows.values())}

    async def offers(self, run: Run) -> frozenset[str]:
        read = _ever_listed(run) | {"read_at": {"$ne": None}, "gone": False}
        return frozenset(await self._of(run).distinct("offer", read))

    async def fingerprints(self, run: Run) -> dict[str, str]:
        rows = self._of(run).stream(_in(run), fields=["row.subscription_id", "fingerprint"])
        return {row["row"]["subscription_id"]: row["fingerprint"] async for row in rows}

    async def add(self, run: Run, entries: Sequence[DetailEntry]) -> None:
        await self._of(run).insert_new(_document(run, entry) for entry in entries)

    async def put(self, run: Run, entries: Sequence[DetailEntry]) -> None:
        documents = [_document(run, entry) for entry in entries]
        changes = [Replace({"_id": one["_id"]}, one) for one in documents]
        await self._store(run, changes)

    async def due(self, run: Run) -> AsyncIterator[list[DetailEntry]]:
        """Page by page by id: what is read meanwhile, or fails, does not shift the rest."""
        for rank in RANKS:
            waiting = _in(run) | {"state": DetailState.DUE, "rank": rank}
            while rows := await self._of(run).find(waiting, sort=[("_id", 1)], limit=_PAGE):
                yield [_entry(row) for row in rows]
                waiting |= {"_id": waiting["_id"] | {"$gt": rows[-1]["_id"]}}

    async def vanish(self, run: Run, listed: Collection[str]) -> int:
        """Only what should be in a list, by the last word on its status, can vanish from it."""
        expected = _ever_listed(run) | {"gone": False, "status": {"$in": BILLABLE}}
        # The ids in the lists may be a hundred thousand: compared here, not sent to the store.
        rows = self._of(run).stream(expected, fields=["row.subscription_id"])
        vanished = [row["_id"] async for row in rows if row["row"]["subscription_id"] not in listed]
        news = {"run_id": run.run_id, "state": DetailState.DUE, "rank": RANKS[-1]}
        await self._store(run, [Update({"_id": one}, {"$set": news}) for one in vanished])
        return len(vanished)

    async def stand(self, run: Run) -> QueueProgress:
        rows = await self._of(run).aggregate(
            [
                {"$match": _in(run)},
                {"$group": {"_id": "$state", "count": {"$sum": 1}, "why": {"$max": "$why"}}},
            ]
        )
        counts = {row["_id"]: row["count"] for row in rows}
        failure = next((row["why"] for row in rows if row["_id"] == DetailState.FAILED), "")
        return QueueProgress(**counts, failure=failure or "")

    async def names(self, run: Run) -> Mapping[str, Sequence[str]]:
        rows = await self._of(run).aggregate(
            [
                {"$match": _in(run) | {"state": DetailState.DONE}},
                {"$unwind": "$sold"},
                {"$group": {"_id": {"$arrayElemAt": ["$sold", 0]}, "names": {"$addToSet": "$sold"}}},
            ]
        )
        return {row["_id"]: [name for _, name in row["names"]] for row in rows}

    async def _store(self, run: Run, changes: Sequence[Change]) -> None:
        """Hundreds in one commit: the embedded document store flushes every change that stands alone."""
        # A whole marketplace may vanish, and a transaction must stay small and short.
        for start in range(0, len(changes), _AT_ONCE):
            some = changes[start : start + _AT_ONCE]

            async def work(session: Session, some: Sequence[Change] = some) -> None:
                await assert_ownership(self._mongo, run, session)
                await self._of(run).bulk(some, session=session)

            await self._mongo.transaction(work)

    def _of(self, run: Run) -> Documents:
        return self._mongo.documents(COLLECTION, run.tenant_id)


def _ever_listed(run: Run) -> Document:
    first = _id(run, "")
    return {"_id": {"$gt": first, "$lt": first + "\uffff"}}


def _in(run: Run) -> Document:
    return _ever_listed(run) | {"run_id": run.run_id}


def _id(run: Run, subscription_id: str) -> str:
    return key_of(run.tenant_id, run.integration_id, subscription_id)


def _document(run: Run, entry: DetailEntry) -> Document:
    told: dict[str, Any] = _ENTRY.dump_python(entry, mode="json")
    own = {"_id": _id(run, entry.subscription_id), "integration_id": run.integration_id}
    return told | own | {"offer": entry.row.offer, "fingerprint": entry.row.fingerprint}


def _entry(row: Document) -> DetailEntry:
    return _ENTRY.validate_python(row)
