"""Stores the queue of details: one document for each subscription that was ever listed."""

# Invariant: an entry changes only by the worker that has the run (`assert_ownership`), in transactions of
# some hundred changes: a whole marketplace may vanish at once, and a transaction must stay small and short.
#
# There is no index but that of the ids, by whose beginning an integration's documents are found: every write
# would pay for another, and whatever is read otherwise is most of the documents anyway.

from collections.abc import AsyncIterator, Collection, Mapping, Sequence

from pydantic import TypeAdapter

from shared.contracts.base import key_of
from shared.mongo import Change, Document, Documents, Mongo, Replace, Session, Update
from shared.sync_engine.models import Run
from shared.sync_engine.run_repository import assert_ownership
from vendor_sync.marketplace import BILLABLE
from vendor_sync.runs.detail_queue import DetailEntry, DetailRank, DetailState, QueueProgress

COLLECTION = "subscriptions"

_ENTRY: TypeAdapter[DetailEntry] = TypeAdapter(DetailEntry)
_CHANGES_PER_TRANSACTION = 500
_ENTRIES_PER_PAGE = 2_000
"""Read from the queue at a time: a few megabytes."""


class DetailQueueRepository:
    """Keeps the queue of the present run of each integration, and what earlier runs learned."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def existing(self, run: Run, ids: Sequence[str]) -> Mapping[str, DetailEntry]:
        documents = await self._rows(run).get_many([_id(run, id_) for id_ in ids])
        entries = [_ENTRY.validate_python(document) for document in documents.values()]
        return {entry.subscription_id: entry for entry in entries}

    async def offers(self, run: Run) -> frozenset[str]:
        read = _ever_listed(run) | {"read_at": {"$ne": None}, "gone": False}
        return frozenset(await self._rows(run).distinct("offer", read))

    async def fingerprints(self, run: Run) -> dict[str, str]:
        documents = self._rows(run).stream(_queued(run), fields=["row.subscription_id", "fingerprint"])
        return {document["row"]["subscription_id"]: document["fingerprint"] async for document in documents}

    async def insert(self, run: Run, entries: Sequence[DetailEntry]) -> None:
        await self._rows(run).insert_new(_document(run, entry) for entry in entries)

    async def replace(self, run: Run, entries: Sequence[DetailEntry]) -> None:
        documents = [_document(run, entry) for entry in entries]
        await self._change(run, [Replace({"_id": document["_id"]}, document) for document in documents])

    async def due(self, run: Run) -> AsyncIterator[list[DetailEntry]]:
        """Yields the due entries in pages, by rank, then by id: what is read meanwhile cannot shift it."""
        for rank in DetailRank:
            waiting = _queued(run) | {"state": DetailState.DUE, "rank": rank.value}
            while documents := await self._rows(run).find(
                waiting, sort=[("_id", 1)], limit=_ENTRIES_PER_PAGE
            ):
                yield [_ENTRY.validate_python(document) for document in documents]
                waiting |= {"_id": waiting["_id"] | {"$gt": documents[-1]["_id"]}}

    async def make_vanished_due(self, run: Run, listed_ids: Collection[str]) -> int:
        """Makes due what should be in a list, by its last known status, but is not; returns how many."""
        expected = _ever_listed(run) | {"gone": False, "status": {"$in": BILLABLE}}
        # The ids in the lists may be a hundred thousand: compared here, not sent to the store.
        documents = self._rows(run).stream(expected, fields=["row.subscription_id"])
        vanished = [
            document["_id"]
            async for document in documents
            if document["row"]["subscription_id"] not in listed_ids
        ]
        due = {"run_id": run.run_id, "state": DetailState.DUE, "rank": DetailRank.REST.value}
        await self._change(run, [Update({"_id": id_}, {"$set": due}) for id_ in vanished])
        return len(vanished)

    async def progress(self, run: Run) -> QueueProgress:
        states = await self._rows(run).aggregate(
            [
                {"$match": _queued(run)},
                {"$group": {"_id": "$state", "count": {"$sum": 1}, "why": {"$max": "$why"}}},
            ]
        )
        counts = {state["_id"]: state["count"] for state in states}
        failure = next((state["why"] for state in states if state["_id"] == DetailState.FAILED), "")
        return QueueProgress(**counts, failure=failure or "")

    async def service_names(self, run: Run) -> Mapping[str, Sequence[str]]:
        services = await self._rows(run).aggregate(
            [
                {"$match": _queued(run) | {"state": DetailState.DONE}},
                {"$unwind": "$sold"},
                {"$group": {"_id": {"$arrayElemAt": ["$sold", 0]}, "names": {"$addToSet": "$sold"}}},
            ]
        )
        return {service["_id"]: [name for _, name in service["names"]] for service in services}

    async def _change(self, run: Run, changes: Sequence[Change]) -> None:
        for start in range(0, len(changes), _CHANGES_PER_TRANSACTION):
            batch = changes[start : start + _CHANGES_PER_TRANSACTION]

            async def work(session: Session, batch: Sequence[Change] = batch) -> None:
                await assert_ownership(self._mongo, run, session)
                await self._rows(run).bulk(batch, session=session)

            await self._mongo.transaction(work)

    def _rows(self, run: Run) -> Documents:
        return self._mongo.documents(COLLECTION, run.tenant_id)


def _ever_listed(run: Run) -> Document:
    """Returns the filter for every subscription of the run's integration."""
    prefix = _id(run, "")
    return {"_id": {"$gt": prefix, "$lt": prefix + "\uffff"}}


def _queued(run: Run) -> Document:
    """Returns the filter for the subscriptions that this run has queued."""
    return _ever_listed(run) | {"run_id": run.run_id}


def _id(run: Run, subscription_id: str) -> str:
    return key_of(run.tenant_id, run.integration_id, subscription_id)


def _document(run: Run, entry: DetailEntry) -> Document:
    """Returns the entry with the fields that queries use beside it: its row's offer and fingerprint."""
    fields: Document = _ENTRY.dump_python(entry, mode="json")
    return fields | {
        "_id": _id(run, entry.subscription_id),
        "integration_id": run.integration_id,
        "offer": entry.row.offer,
        "fingerprint": entry.row.fingerprint,
    }
