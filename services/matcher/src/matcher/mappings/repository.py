"""Mappings in the document store: read for lists, and decided on in units of work."""

from collections.abc import Callable, Collection, Coroutine, Sequence
from datetime import datetime
from typing import Any, TypeVar

from matcher.catalogue.items import ItemKind, VendorItemRef
from matcher.catalogue.repository import match_queue
from matcher.mappings.documents import mapping_from, settings_from
from matcher.mappings.indexes import HISTORY, MAPPINGS, SETTINGS
from matcher.mappings.models import MatchingSettings
from matcher.mappings.search import MappingQuery
from matcher.mappings.tenant_lock import TenantLock
from matcher.mappings.unit_of_work import FinishedIntegrations, MongoUnitOfWork
from shared.contracts.base import Side
from shared.contracts.matcher import MappingDecided, MappingDecision
from shared.errors import NotFound
from shared.mongo import Document, Mongo, Session
from shared.outbox import Outbox
from shared.runtime import crash_points

T = TypeVar("T")
U = TypeVar("U", bound=MongoUnitOfWork)

Announcement = Callable[[Sequence[MappingDecided]], None]


class MongoMappings:
    """The mappings of all tenants, read outside a unit of work: what is read may be a moment old."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def matching_settings(self, tenant_id: str) -> MatchingSettings:
        return settings_from(await self._mongo.documents(SETTINGS, tenant_id).get(tenant_id))

    async def page(self, query: MappingQuery, after: str | None, limit: int) -> list[MappingDecided]:
        """Returns mappings in the order of their keys, beginning behind the key `after`."""
        filter_: Document = {"_id": {"$gt": after}} if after else {}
        for field in ("kind", "decision", "vendor_integration_id"):
            if value := getattr(query, field):
                filter_[field] = str(value)
        rows = self._mongo.documents(MAPPINGS, query.tenant_id)
        return [mapping_from(row) for row in await rows.find(filter_, sort=[("_id", 1)], limit=limit)]

    async def versions(self, item: VendorItemRef, before: int | None, limit: int) -> list[MappingDecided]:
        """Returns the decisions on a vendor item, the newest first: those of smaller revisions than `before`.

        Raises `NotFound` when nothing was ever decided on it.
        """
        named: Document = {
            "kind": item.kind.value,
            "vendor_id": item.vendor_id,
            "vendor_integration_id": item.vendor_integration_id,
        }
        rows = await self._mongo.documents(MAPPINGS, item.tenant_id).find(named, limit=1)
        if not rows:
            raise NotFound(f"nothing was ever decided on {item.kind} {item.vendor_id} of that integration")
        # What stands is read first: replaced meanwhile it is in the history as well, and must come once.
        newest = mapping_from(rows[0])
        shown = [newest] if before is None or newest.revision < before else []
        end = newest.revision if before is None else min(before, newest.revision)
        older: Document = {"key": newest.key, "revision": {"$lt": end}}
        history = self._mongo.documents(HISTORY, item.tenant_id)
        found = await history.find(older, sort=[("revision", -1)], limit=limit)
        return [*shown, *(mapping_from(row) for row in found)][:limit]

    async def mappings_of(self, tenant_id: str, kind: ItemKind, ids: Collection[str]) -> list[MappingDecided]:
        field = "vendor_id" if kind.side is Side.VENDOR else "psa_id"
        rows = self._mongo.documents(MAPPINGS, tenant_id)
        found = await rows.find_in(field, ids, where={"kind": kind.mapping_kind.value})
        return [mapping_from(row) for row in found]

    async def decided_items(
        self, tenant_id: str, kind: ItemKind, decisions: Collection[MappingDecision]
    ) -> set[tuple[str, str]]:
        integration_field, id_field = f"{kind.side}_integration_id", f"{kind.side}_id"
        rows = await self._mongo.documents(MAPPINGS, tenant_id).find(
            {
                "kind": kind.mapping_kind.value,
                "decision": {"$in": [decision.value for decision in decisions]},
            },
            fields=[integration_field, id_field],
        )
        return {(row[integration_field], row[id_field]) for row in rows}


class MongoMappingStore:
    """Units of work of all tenants, one at a time for each tenant."""

    def __init__(
        self,
        mongo: Mongo,
        outbox: Outbox,
        lock: TenantLock,
        finished: FinishedIntegrations,
        *,
        announce: Announcement = lambda _: None,
    ) -> None:
        """`announce` is told of decisions once they are committed; it neither waits nor raises."""
        self._mongo, self._outbox, self._lock, self._finished = mongo, outbox, lock, finished
        self._announce, self._queue = announce, match_queue(mongo)

    async def tenants_with_work(self, now: datetime) -> list[str]:
        return await self._queue.tenants(now)

    async def run_unit_of_work(
        self, tenant_id: str, work: Callable[[MongoUnitOfWork], Coroutine[Any, Any, T]]
    ) -> T:
        return await self.run_as(MongoUnitOfWork, tenant_id, work)

    async def run_as(
        self, unit_type: type[U], tenant_id: str, work: Callable[[U], Coroutine[Any, Any, T]]
    ) -> T:
        """Runs `work` as `run_unit_of_work` does, in a unit of work that can do more."""
        recorded: list[MappingDecided] = []

        async def in_session(session: Session) -> T:
            unit_of_work = unit_type(self._mongo, self._outbox, tenant_id, session, finished=self._finished)
            result = await work(unit_of_work)
            recorded[:] = unit_of_work.recorded  # of the last attempt, which is the one that is committed
            return result

        result = await self._lock.run(tenant_id, in_session)
        if recorded:
            crash_points.reached("mapping-decided", recorded[-1].method)
        self._announce(recorded)
        return result
