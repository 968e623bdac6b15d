"""The document store: what comes in, and whose turn it is to decide."""

from collections.abc import Callable, Coroutine, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any, TypeVar

from matcher.catalogue.items import IntegrationInfo, Item, MatchWork
from matcher.mappings.documents import integration_document, item_document, mark_rows
from matcher.mappings.indexes import INTEGRATIONS, MARKS, TURNS
from matcher.mappings.ports import UnitOfWork
from matcher.mappings.unit_of_work import MongoUnitOfWork
from shared.mongo import Mongo, Session
from shared.outbox import Outbox

T = TypeVar("T")


class MongoMatcherStore:
    """Every tenant's rows, and turns that exclude each other."""

    def __init__(self, mongo: Mongo, outbox: Outbox) -> None:
        self._mongo, self._outbox = mongo, outbox
        self._known: set[str] = set()

    async def forward(self, items: Sequence[Item]) -> None:
        where = attrgetter("tenant_id", "shelf")
        for (tenant_id, shelf), some in groupby(sorted(items, key=where), key=where):
            await self._mongo.documents(shelf, tenant_id).upsert_newer(item_document(item) for item in some)

    async def forward_integrations(self, integrations: Sequence[IntegrationInfo]) -> None:
        whose = attrgetter("tenant_id")
        for tenant_id, some in groupby(sorted(integrations, key=whose), key=whose):
            rows = self._mongo.documents(INTEGRATIONS, tenant_id)
            await rows.upsert_newer(integration_document(one) for one in some)

    async def add_marks(self, tenant_id: str, marks: Sequence[MatchWork]) -> None:
        await self._mongo.documents(MARKS, tenant_id).insert_many(mark_rows(marks))

    async def waiting(self) -> list[str]:
        return sorted(await self._mongo.all_tenants(MARKS).distinct("tenant_id"))

    async def turn(self, tenant_id: str, work: Callable[[UnitOfWork], Coroutine[Any, Any, T]]) -> T:
        """Turns of a tenant all write one row first, so that two of them never see the same state."""
        turns = self._mongo.documents(TURNS, tenant_id)
        if tenant_id not in self._known:
            # Beforehand: two first turns at once would both insert it, and one would fail instead of wait.
            await turns.insert_new([{"_id": tenant_id, "taken": 0}])
            self._known.add(tenant_id)

        async def alone(session: Session) -> T:
            # A write, for reading the same row would not make transactions exclude each other.
            await turns.change({"_id": tenant_id}, {"$inc": {"taken": 1}}, session=session)
            return await work(MongoUnitOfWork(self._mongo, self._outbox, tenant_id, session))

        result = await self._mongo.transaction(alone)
        self._outbox.wake()
        return result
