"""Plans and versions in the document store, and units of work that apply a plan."""

from collections.abc import Callable, Collection, Coroutine, Sequence
from datetime import datetime
from typing import Any, TypeVar

from matcher.mapping_plans.documents import (
    plan_document,
    plan_from,
    row_document,
    row_from,
    row_id,
    version_document,
    version_from,
)
from matcher.mapping_plans.indexes import PLAN_ROWS, PLANS, VERSIONS
from matcher.mapping_plans.models import APPLICABLE, MappingPlan, PlanRow, PlanState, RowOutcome
from matcher.mapping_plans.reader import MongoPlanReader
from matcher.mapping_plans.version_models import MappingVersion
from matcher.mappings.documents import reservation_document
from matcher.mappings.indexes import MAPPINGS, TURNS
from matcher.mappings.models import Reservation
from matcher.mappings.repository import MongoMappingStore
from matcher.mappings.unit_of_work import MongoUnitOfWork
from shared.errors import NotFound
from shared.mongo import Document, Mongo, Put

T = TypeVar("T")


class MongoPlans:
    """The plans and versions of all tenants, read and put together outside a unit of work."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    def reader(self, tenant_id: str) -> MongoPlanReader:
        return MongoPlanReader(self._mongo, tenant_id)

    async def add_rows(self, tenant_id: str, plan_id: str, rows: Sequence[PlanRow], at: datetime) -> None:
        documents = [row_document(plan_id, row, at) for row in rows]
        await self._mongo.documents(PLAN_ROWS, tenant_id).insert_new(documents)

    async def rows_numbered(self, tenant_id: str, plan_id: str, numbers: Collection[int]) -> list[PlanRow]:
        ids = [row_id(plan_id, number) for number in numbers]
        return [
            row_from(row) for row in await self._mongo.documents(PLAN_ROWS, tenant_id).find_in("_id", ids)
        ]

    async def replace_rows(self, tenant_id: str, plan_id: str, rows: Sequence[PlanRow], at: datetime) -> None:
        changes = [Put(row_document(plan_id, row, at)) for row in rows]
        await self._mongo.documents(PLAN_ROWS, tenant_id).bulk(changes)

    async def publish(self, plan: MappingPlan) -> None:
        await self._mongo.documents(PLANS, plan.tenant_id).insert_new([plan_document(plan)])

    async def plan(self, tenant_id: str, plan_id: str) -> MappingPlan:
        """Raises `NotFound` for one that there is not, or no longer."""
        row = await self._mongo.documents(PLANS, tenant_id).get(plan_id)
        if row is None:
            raise NotFound(f"there is no plan {plan_id}: make it anew")
        return plan_from(row)

    async def rows(
        self, tenant_id: str, plan_id: str, *, outcome: RowOutcome | None = None, after: int, limit: int
    ) -> list[PlanRow]:
        """Returns rows behind the number `after`, in order."""
        filter_: Document = {"plan_id": plan_id, "number": {"$gt": after}}
        if outcome:
            filter_["outcome"] = outcome.value
        rows = self._mongo.documents(PLAN_ROWS, tenant_id)
        return [row_from(row) for row in await rows.find(filter_, sort=[("number", 1)], limit=limit)]

    async def version(self, tenant_id: str, version_id: str) -> MappingVersion:
        """Raises `NotFound` for one that there is not."""
        row = await self._mongo.documents(VERSIONS, tenant_id).get(version_id)
        if row is None:
            raise NotFound(f"there is no version {version_id} of the mappings")
        return version_from(row)

    async def versions(self, tenant_id: str, after: str | None, limit: int) -> list[MappingVersion]:
        """Returns versions, the newest first, behind the id `after`; ids grow with their time."""
        filter_: Document = {"_id": {"$lt": after}} if after else {}
        rows = self._mongo.documents(VERSIONS, tenant_id)
        return [version_from(row) for row in await rows.find(filter_, sort=[("_id", -1)], limit=limit)]


class MongoPlanUnit(MongoUnitOfWork):
    """Reads and writes of one transaction, plans and versions included."""

    async def plan(self, plan_id: str) -> MappingPlan | None:
        row = await self._rows(PLANS).get(plan_id, session=self._session)
        return plan_from(row) if row else None

    async def store_plan(self, plan: MappingPlan) -> None:
        await self._rows(PLANS).put(plan_document(plan), session=self._session)

    async def rows(
        self, plan_id: str, after: int, limit: int, outcomes: Collection[RowOutcome] = APPLICABLE
    ) -> list[PlanRow]:
        # One query for each outcome: an index then has its rows in order.
        found: list[PlanRow] = []
        for outcome in sorted(outcomes):
            filter_ = {"plan_id": plan_id, "outcome": outcome.value, "number": {"$gt": after}}
            rows = await self._rows(PLAN_ROWS).find(
                filter_, sort=[("number", 1)], limit=limit, session=self._session
            )
            found += map(row_from, rows)
        return sorted(found, key=lambda row: row.number)[:limit]

    async def work_for(self, plan_id: str) -> None:
        self._reserved_by = plan_id

    async def reserve(self, reservation: Reservation) -> None:
        update = {"$set": {"reserved": reservation_document(reservation)}}
        await self._rows(TURNS).change({"_id": self._tenant_id}, update, session=self._session)

    async def release(self) -> None:
        update = {"$unset": {"reserved": ""}}
        await self._rows(TURNS).change({"_id": self._tenant_id}, update, session=self._session)

    async def newest_revision(self) -> int:
        rows = await self._rows(MAPPINGS).find(
            sort=[("revision", -1)], limit=1, fields=["revision"], session=self._session
        )
        return int(rows[0]["revision"]) if rows else 0

    async def add_version(self, version: MappingVersion) -> None:
        await self._rows(VERSIONS).put(version_document(version), session=self._session)


class MongoPlanStore:
    """Units of work for plans; they share the tenant's lock with all other decisions."""

    def __init__(self, mongo: Mongo, mappings: MongoMappingStore) -> None:
        self._mongo, self._mappings = mongo, mappings

    async def run(self, tenant_id: str, work: Callable[[MongoPlanUnit], Coroutine[Any, Any, T]]) -> T:
        return await self._mappings.run_as(MongoPlanUnit, tenant_id, work)

    async def begun(self) -> list[tuple[str, str]]:
        rows = await self._mongo.all_tenants(PLANS).find(
            {"state": PlanState.APPLYING.value}, fields=["tenant_id"]
        )
        return [(row["tenant_id"], row["_id"]) for row in rows]
