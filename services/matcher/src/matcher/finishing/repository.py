"""Finishes in the document store, one document for each idempotency key."""

from collections.abc import Callable, Collection, Coroutine
from typing import Any, TypeVar

from matcher.catalogue.documents import first_seen_at, has_word
from matcher.catalogue.items import VENDOR_KINDS
from matcher.catalogue.words import words_of
from matcher.finishing.models import FinishRecord
from matcher.finishing.progress import CountedItem, DecidedItem, Progress, ProgressQuery
from matcher.finishing.progress_counts import count_progress
from matcher.mappings.indexes import MAPPINGS
from matcher.mappings.tenant_lock import TenantLock
from matcher.mappings.unit_of_work import MongoUnitOfWork
from shared.contracts.base import key_of
from shared.contracts.matcher import MappingDecision, MappingFinished, MappingMethod
from shared.mongo import Document, Index, Mongo, Session
from shared.outbox import Outbox

T = TypeVar("T")

_FINISHES = "finishes"
_VENDOR = "event.vendor_integration_id"

FINISH_INDEXES = (Index(_FINISHES, [("tenant_id", 1), (_VENDOR, 1)]),)


class MongoFinishUnitOfWork(MongoUnitOfWork):
    """Reads and writes of one transaction, finishes included."""

    async def finish_record(self, record_id: str) -> FinishRecord | None:
        row = await self._rows(_FINISHES).get(key_of(self._tenant_id, record_id), session=self._session)
        return FinishRecord(row["finish"], MappingFinished.model_validate(row["event"])) if row else None

    async def record_finish(self, record: FinishRecord) -> None:
        await self.require_unreserved()  # what is counted would be half of a change
        document = {
            "_id": key_of(self._tenant_id, record.id),
            "finish": record.id,
            "event": record.event.model_dump(mode="json"),
        }
        await self._rows(_FINISHES).insert(document, session=self._session)
        await self._outbox.add([record.event], session=self._session)


class MongoFinishStore:
    """The finishes of all tenants; a finish shares the tenant's lock with all other decisions."""

    def __init__(self, mongo: Mongo, outbox: Outbox, lock: TenantLock) -> None:
        self._mongo, self._outbox, self._lock = mongo, outbox, lock

    async def finished_integrations(self, tenant_id: str, session: Session) -> frozenset[str]:
        """Returns the ids of vendor integrations whose mapping a person has ever finished."""
        rows = await self._mongo.documents(_FINISHES, tenant_id).find(fields=[_VENDOR], session=session)
        return frozenset(row["event"]["vendor_integration_id"] for row in rows)

    async def run_unit_of_work(
        self, tenant_id: str, work: Callable[[MongoFinishUnitOfWork], Coroutine[Any, Any, T]]
    ) -> T:
        return await self._lock.run(tenant_id, lambda session: work(self._unit_of_work(tenant_id, session)))

    async def read(
        self, tenant_id: str, work: Callable[[MongoFinishUnitOfWork], Coroutine[Any, Any, T]]
    ) -> T:
        # A transaction without the tenant's lock: it sees one moment, and no decision waits for it.
        return await self._mongo.transaction(lambda session: work(self._unit_of_work(tenant_id, session)))

    def _unit_of_work(self, tenant_id: str, session: Session) -> MongoFinishUnitOfWork:
        return MongoFinishUnitOfWork(
            self._mongo, self._outbox, tenant_id, session, finished=self.finished_integrations
        )


class MongoProgressReader:
    """The vendor items of all tenants, and what is decided on them."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def progress(self, query: ProgressQuery) -> Progress:
        return await count_progress(self._mongo, query)

    async def items(self, query: ProgressQuery) -> list[CountedItem]:
        words = words_of(query.search)
        if not words:
            return []  # nothing is called by what has no words
        filter_: Document = {"$and": [has_word(word) for word in words]}
        rows = self._mongo.documents(VENDOR_KINDS[query.kind], query.tenant_id)
        fields = ["integration_id", "item_id", "usable", "first_seen_at"]
        return [
            CountedItem(
                integration_id=row["integration_id"],
                id=row["item_id"],
                usable=row["usable"],
                is_new=query.since is not None and first_seen_at(row) >= query.since,
            )
            for row in await rows.find(filter_, fields=fields)
            if query.vendor_integration_id in (None, row["integration_id"])
        ]

    async def decided(self, query: ProgressQuery, ids: Collection[str]) -> list[DecidedItem]:
        filter_ = {"kind": query.kind.value}
        if query.vendor_integration_id:
            filter_["vendor_integration_id"] = query.vendor_integration_id
        fields = ["vendor_integration_id", "vendor_id", "decision", "method", "psa_integration_id"]
        mappings = self._mongo.documents(MAPPINGS, query.tenant_id)
        rows = await mappings.find_in("vendor_id", ids, where=filter_, fields=fields)
        return [
            DecidedItem(
                vendor_integration_id=row["vendor_integration_id"],
                vendor_id=row["vendor_id"],
                decision=MappingDecision(row["decision"]),
                method=MappingMethod(row["method"]),
                psa_integration_id=row["psa_integration_id"],
            )
            for row in rows
        ]
