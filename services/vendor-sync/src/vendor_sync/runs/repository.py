"""Stores the queue of details: one document for each subscription of each account that was ever listed."""

# Invariant: an entry changes only by the worker that has the run (`assert_ownership`), in transactions of
# some hundred changes: a whole marketplace may vanish at once, and a transaction must stay small and short.
#
# There is no index but that of the ids: those of an integration, and within it those of an account, are a
# range of ids. Every write would pay for another index, and whatever is read otherwise is most of the
# documents anyway:
#
#   demo:int_1:1000027:1000177   demo:int_1:1000027:1000178   demo:int_1:1000028:1000201

from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping, Sequence

from pydantic import TypeAdapter

from shared.contracts.base import key_of
from shared.mongo import Change, Document, Documents, Mongo, Replace, Session, Update
from shared.sync_engine.models import Run
from shared.sync_engine.run_repository import assert_ownership
from vendor_sync.runs.detail_queue import DetailEntry, DetailRank, DetailState, QueueProgress
from vendor_sync.runs.ports import AccountProgress, QueueOverview

COLLECTION = "subscriptions"

_ENTRY: TypeAdapter[DetailEntry] = TypeAdapter(DetailEntry)
_CHANGES_PER_TRANSACTION = 500
_ENTRIES_PER_PAGE = 2_000
"""Read from the queue at a time: a few megabytes."""


class DetailQueueRepository:
    """Keeps the queue of the present run of each integration, and what earlier runs learned."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def discard_outdated(self, run: Run) -> None:
        # Before there were accounts in the ids: what they knew is read anew.
        await self._rows(run).remove(_ever_listed(run) | {"account_id": {"$exists": False}})

    async def existing(self, run: Run, keys: Collection[str]) -> Mapping[str, DetailEntry]:
        documents = await self._rows(run).get_many([_id(run, key) for key in keys])
        entries = [_ENTRY.validate_python(document) for document in documents.values()]
        return {entry.key: entry for entry in entries}

    async def offers(self, run: Run) -> frozenset[str]:
        read = {"read_at": {"$ne": None}, "gone": False}
        first = {"run_id": run.run_id, "rank": DetailRank.NEW_OFFER.value}
        return frozenset(await self._rows(run).distinct("offer", _ever_listed(run) | {"$or": [read, first]}))

    async def fingerprints(self, run: Run) -> dict[str, str]:
        prefix = len(_id(run, ""))
        listed = _queued(run) | {"listed": True}
        documents = self._rows(run).stream(listed, fields=["fingerprint"])
        return {document["_id"][prefix:]: document["fingerprint"] async for document in documents}

    async def insert(self, run: Run, entries: Sequence[DetailEntry]) -> None:
        await self._rows(run).insert_new(_document(run, entry) for entry in entries)

    async def replace(self, run: Run, entries: Sequence[DetailEntry]) -> None:
        documents = [_document(run, entry) for entry in entries]
        await self._change(run, [Replace({"_id": document["_id"]}, document) for document in documents])

    async def due(self, run: Run, rank: DetailRank) -> AsyncIterator[list[DetailEntry]]:
        """Yields the due entries in pages, by id: what is read meanwhile cannot shift it."""
        waiting = _queued(run) | {"state": DetailState.DUE, "rank": rank.value}
        while documents := await self._rows(run).find(waiting, sort=[("_id", 1)], limit=_ENTRIES_PER_PAGE):
            yield [_ENTRY.validate_python(document) for document in documents]
            waiting |= {"_id": waiting["_id"] | {"$gt": documents[-1]["_id"]}}

    async def keys(self, run: Run) -> AsyncIterator[tuple[str, str]]:
        prefix = len(_id(run, ""))
        async for document in self._rows(run).stream(_ever_listed(run), fields=["account_id"]):
            yield document["account_id"], document["_id"][prefix:]

    async def make_vanished_due(self, run: Run, listed_keys: Collection[str], *, listed_before: bool) -> int:
        expected = _ever_listed(run) | {"live": True}
        if listed_before:
            expected |= {"run_id": run.run_id, "listed": True}
        # The keys in the lists may be a hundred thousand: compared here, not sent to the store.
        prefix = len(_id(run, ""))
        documents = self._rows(run).stream(expected, fields=["account_id"])
        vanished = [
            document["_id"] async for document in documents if document["_id"][prefix:] not in listed_keys
        ]
        due = {
            "run_id": run.run_id,
            "state": DetailState.DUE,
            "rank": DetailRank.ACCOUNT.value,
            "listed": False,
            "why": "",
        }
        await self._change(run, [Update({"_id": id_}, {"$set": due}) for id_ in vanished])
        return len(vanished)

    async def progress(self, run: Run) -> QueueProgress:
        states = await self._rows(run).aggregate(
            [{"$match": _queued(run)}, {"$group": {"_id": "$state", "count": {"$sum": 1}}}]
        )
        return QueueProgress(**{state["_id"]: state["count"] for state in states})

    async def overview(self, run: Run) -> QueueOverview:
        group = {"account": "$account_id", "run": "$run_id", "state": "$state", "live": "$live"}
        rows = await self._rows(run).aggregate(
            [
                {"$match": _ever_listed(run)},
                {"$group": {"_id": group, "count": {"$sum": 1}, "asked": {"$max": "$asked_revision"}}},
            ]
        )
        accounts, states = dict[str, AccountProgress](), Counter[str]()
        for row in rows:
            of, count = row["_id"], row["count"]
            so_far = accounts.get(of["account"], AccountProgress())
            states[of["state"]] += count if of["run"] == run.run_id else 0
            is_due = of["run"] == run.run_id and of["state"] == DetailState.DUE
            accounts[of["account"]] = AccountProgress(
                so_far.due + (count if is_due else 0),
                max(so_far.asked_revision, row["asked"]),
                so_far.live + (count if of["live"] else 0),
            )
        return QueueOverview(QueueProgress(**states), accounts)

    async def failed(self, run: Run, limit: int) -> list[DetailEntry]:
        failed = _queued(run) | {"state": DetailState.FAILED}
        documents = await self._rows(run).find(failed, sort=[("_id", 1)], limit=limit)
        return [_ENTRY.validate_python(document) for document in documents]

    async def items(self, run: Run) -> frozenset[str]:
        return frozenset(await self._rows(run).distinct("items", _ever_listed(run) | {"live": True}))

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


def _id(run: Run, key: str) -> str:
    return f"{key_of(run.tenant_id, run.integration_id)}:{key}"


def _document(run: Run, entry: DetailEntry) -> Document:
    """Returns the entry with the fields that queries use beside it: its account, offer and fingerprint."""
    fields: Document = _ENTRY.dump_python(entry, mode="json")
    return fields | {
        "_id": _id(run, entry.key),
        "integration_id": run.integration_id,
        "account_id": entry.account_id,
        "offer": entry.row.offer,
        "fingerprint": entry.row.fingerprint,
    }
