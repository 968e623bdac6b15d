"""The subscriptions collection: one document for each subscription that was ever listed."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from shared.contracts.base import key_of
from shared.mongo import Document, Documents, Index, Mongo, Put, Update
from shared.syncing.models import Run
from vendor_sync.models.todo import Due, Entry, Stand
from vendor_sync.models.vendor import BILLABLE

COLLECTION = "subscriptions"
INDEXES = (
    Index(COLLECTION, [("integration_id", 1), ("run_id", 1), ("state", 1), ("rank", 1), ("_id", 1)]),
    Index(COLLECTION, [("integration_id", 1), ("gone", 1), ("status", 1)]),
)

_ENTRY: TypeAdapter[Entry] = TypeAdapter(Entry)
_LAST = 2
"""The rank of what can wait (`Order`)."""


class Subscriptions:
    """The to-do list of the present run of each integration, and what earlier runs left to know."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def known(self, run: Run, ids: Sequence[str]) -> Mapping[str, Entry]:
        rows = await self._of(run).get_many([_id(run, one) for one in ids])
        return {entry.subscription_id: entry for entry in map(_entry, rows.values())}

    async def offers(self, run: Run) -> frozenset[str]:
        read = {"integration_id": run.integration_id, "read_at": {"$ne": None}, "gone": False}
        return frozenset(await self._of(run).distinct("offer", read))

    async def marks(self, run: Run) -> dict[str, str]:
        rows = self._of(run).stream(_in(run), fields=["row.subscription_id", "mark"])
        return {row["row"]["subscription_id"]: row["mark"] async for row in rows}

    async def add(self, run: Run, entries: Sequence[Entry]) -> None:
        await self._of(run).insert_new(_document(run, entry) for entry in entries)

    async def put(self, run: Run, entries: Sequence[Entry]) -> None:
        await self._of(run).bulk([Put(_document(run, entry)) for entry in entries])

    async def due(self, run: Run, limit: int) -> list[Entry]:
        waiting = _in(run) | {"state": Due.DUE}
        rows = await self._of(run).find(waiting, sort=[("rank", 1), ("_id", 1)], limit=limit)
        return [_entry(row) for row in rows]

    async def vanish(self, run: Run, listed: Collection[str]) -> int:
        """Only what should be in a list, by the last word on its status, can vanish from it."""
        expected = {"integration_id": run.integration_id, "gone": False, "status": {"$in": BILLABLE}}
        # The ids in the lists may be a hundred thousand: compared here, not sent to the store.
        rows = self._of(run).stream(expected, fields=["row.subscription_id"])
        vanished = [row["_id"] async for row in rows if row["row"]["subscription_id"] not in listed]
        news = {"run_id": run.run_id, "state": Due.DUE, "rank": _LAST}
        await self._of(run).bulk([Update({"_id": one}, {"$set": news}) for one in vanished])
        return len(vanished)

    async def stand(self, run: Run) -> Stand:
        rows = await self._of(run).aggregate(
            [
                {"$match": _in(run)},
                {"$group": {"_id": "$state", "count": {"$sum": 1}, "why": {"$max": "$why"}}},
            ]
        )
        counts = {row["_id"]: row["count"] for row in rows}
        failure = next((row["why"] for row in rows if row["_id"] == Due.FAILED), "")
        return Stand(**counts, failure=failure or "")

    async def names(self, run: Run) -> Mapping[str, Sequence[str]]:
        rows = await self._of(run).aggregate(
            [
                {"$match": _in(run) | {"state": Due.DONE}},
                {"$unwind": "$sold"},
                {"$group": {"_id": {"$arrayElemAt": ["$sold", 0]}, "names": {"$addToSet": "$sold"}}},
            ]
        )
        return {row["_id"]: [name for _, name in row["names"]] for row in rows}

    def _of(self, run: Run) -> Documents:
        return self._mongo.documents(COLLECTION, run.tenant_id)


def _in(run: Run) -> Document:
    return {"integration_id": run.integration_id, "run_id": run.run_id}


def _id(run: Run, subscription_id: str) -> str:
    return key_of(run.tenant_id, run.integration_id, subscription_id)


def _document(run: Run, entry: Entry) -> Document:
    told: dict[str, Any] = _ENTRY.dump_python(entry, mode="json")
    own = {"_id": _id(run, entry.subscription_id), "integration_id": run.integration_id}
    return told | own | {"offer": entry.row.offer, "mark": entry.row.mark}


def _entry(row: Document) -> Entry:
    return _ENTRY.validate_python(row)
