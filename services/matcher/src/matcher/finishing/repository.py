"""Finishes in the document store, one document for each idempotency key."""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from matcher.finishing.models import FinishRecord
from matcher.mappings.tenant_lock import TenantLock
from matcher.mappings.unit_of_work import MongoUnitOfWork
from shared.contracts.base import key_of
from shared.contracts.matcher import MappingFinished
from shared.mongo import Index, Mongo, Session
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
        async def in_session(session: Session) -> T:
            return await work(
                MongoFinishUnitOfWork(
                    self._mongo, self._outbox, tenant_id, session, finished=self.finished_integrations
                )
            )

        return await self._lock.run(tenant_id, in_session)
