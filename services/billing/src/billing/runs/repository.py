"""Runs, from heard to reconciled, and the completions that were said."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from billing.runs.models import FinishedRun, RunStage
from billing.runs.run_closer import RunClosure
from billing.usage.coverage_repository import CoverageRepository
from billing.usage.recalculation_queue import RecalculationQueue
from billing.usage.totals import Totals
from shared.contracts.base import key_of
from shared.contracts.billing import ReconciliationCompleted
from shared.errors import Conflict
from shared.mongo import Document, Documents, Index, Mongo, Session, Update
from shared.outbox import Outbox

_COLLECTION, _COMPLETED = "runs", "completions"
_GIVEN_UP = timedelta(days=30)
"""A sync whose other run has not come by then is not waited for any longer."""

RUN_INDEXES = (
    Index(_COLLECTION, [("state", 1), ("open", 1), ("waits_since", 1)]),
    Index(_COLLECTION, [("tenant_id", 1), ("sync_ids", 1)]),
    Index(_COLLECTION, [("tenant_id", 1), ("integration_id", 1), ("first_revision", -1)]),
    Index(_COLLECTION, [("tenant_id", 1), ("place", 1)]),
)


class FinishedRunRepository:
    """Every run once, however many syncs it answers."""

    def __init__(
        self, mongo: Mongo, outbox: Outbox, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._mongo, self._outbox, self._clock = mongo, outbox, clock
        self._coverages, self._queue = CoverageRepository(mongo), RecalculationQueue(mongo)

    async def hear(self, runs: Sequence[FinishedRun]) -> None:
        """A run that is known already only learns that it answers one more sync."""
        for tenant_id in {run.tenant_id for run in runs}:
            mine = [run for run in runs if run.tenant_id == tenant_id]
            await self._hear(tenant_id, [_heard(run) for run in mine])

    async def heard(self) -> list[FinishedRun]:
        return await self._all({"state": RunStage.HEARD.value})

    async def closed(self) -> list[FinishedRun]:
        return await self._all({"state": RunStage.CLOSED.value})

    async def unfinished(self) -> list[FinishedRun]:
        """Reconciled, with something left to say."""
        recent = {"$gt": self._clock() - _GIVEN_UP}
        return await self._all({"state": RunStage.RECONCILED.value, "open": True, "waits_since": recent})

    async def wanted(self, tenant_id: str, sync_id: str) -> list[str]:
        """The integrations that a sync was asked of; none when nobody asked for it here."""
        row = await self._mongo.documents("syncs", tenant_id).get(key_of(tenant_id, sync_id))
        return list(row["integration_ids"]) if row else []

    async def of_sync(self, tenant_id: str, sync_id: str) -> list[FinishedRun]:
        rows = await self._mongo.documents(_COLLECTION, tenant_id).find({"sync_ids": sync_id})
        return [FinishedRun.model_validate(row) for row in rows]

    async def newest_reconciled(self, tenant_id: str, integration_id: str) -> FinishedRun | None:
        wanted = {"integration_id": integration_id, "state": RunStage.RECONCILED.value}
        rows = await self._mongo.documents(_COLLECTION, tenant_id).find(
            wanted, sort=[("first_revision", -1)], limit=1
        )
        return FinishedRun.model_validate(rows[0]) if rows else None

    async def page(
        self, tenant_id: str, *, after: str | None = None, limit: int = 100
    ) -> tuple[list[FinishedRun], str | None]:
        """Newest first, and the cursor of the next page."""
        wanted: Document = {"place": {"$lt": after}} if after else {}
        rows = await self._mongo.documents(_COLLECTION, tenant_id).find(
            wanted, sort=[("place", -1)], limit=limit + 1
        )
        more = rows[limit - 1]["place"] if len(rows) > limit else None
        return [FinishedRun.model_validate(row) for row in rows[:limit]], more

    async def waits(self, run: FinishedRun, stored: int, now: datetime) -> None:
        await self._change(run, {"$set": {"stored": stored, "waits_since": now}})

    async def close(self, close: RunClosure) -> bool:
        """Verdict, coverage and marks in one transaction, or none of them."""
        run = close.run
        news = {"state": RunStage.CLOSED.value, "verdict": close.verdict.value, "closed_at": close.at}
        news["waits_for"] = close.waits_for

        async def work(session: Session) -> bool:
            rows = self._of(run)
            open_ = {"_id": _id(run), "state": RunStage.HEARD.value}
            if not await rows.change(open_, {"$set": news}, session=session):
                return False
            if close.coverage:
                place = run.tenant_id, run.integration_id
                await self._coverages.put(*place, close.coverage, session=session)
            await self._queue.enqueue_refs(run.tenant_id, close.touched, at=close.at, session=session)
            return True

        return await self._mongo.transaction(work)

    async def reconciled(self, run: FinishedRun, totals: Totals, now: datetime) -> None:
        news = {"state": RunStage.RECONCILED.value, "reconciled_at": now, "verdict": run.verdict}
        await self._of(run).change(
            {"_id": _id(run), "state": RunStage.CLOSED.value},
            {"$set": news | {"totals": totals.model_dump(mode="json"), "open": True}},
        )

    async def complete(self, completed: ReconciliationCompleted) -> None:
        """Save and say it in one transaction, once however often it is called."""

        async def work(session: Session) -> None:
            row = completed.model_dump(mode="json") | {"_id": completed.key}
            rows = self._mongo.documents(_COMPLETED, completed.tenant_id)
            await rows.insert(row, session=session)
            await self._outbox.add([completed], session=session, correlation_id=completed.sync_id)

        try:
            await self._mongo.transaction(work)
        except Conflict:
            return
        self._outbox.wake()

    async def settled(self, run: FinishedRun, sync_id: str) -> None:
        await self._change(run, {"$addToSet": {"settled": sync_id}})

    async def announced(self, run: FinishedRun, sync_id: str) -> None:
        await self._change(run, {"$addToSet": {"announced": sync_id}})

    async def finished(self, run: FinishedRun) -> None:
        """Nothing is left to do, unless another sync id came in the meantime."""
        row = await self._of(run).get(_id(run))
        if row and set(row["sync_ids"]) == set(row["settled"]) == set(row["announced"]):
            same = {"_id": _id(run), "sync_ids": row["sync_ids"]}
            await self._of(run).change(same, {"$set": {"open": False}})

    async def _hear(self, tenant_id: str, changes: Sequence[Update]) -> None:
        rows = self._mongo.documents(_COLLECTION, tenant_id)
        try:
            await rows.bulk(changes)
        except Conflict:  # another consumer heard of one at this moment; now it is there
            await rows.bulk(changes)

    async def _all(self, wanted: dict[str, Any]) -> list[FinishedRun]:
        rows = await self._mongo.all_tenants(_COLLECTION).find(wanted, sort=[("waits_since", 1)])
        return [FinishedRun.model_validate(row) for row in rows]

    async def _change(self, run: FinishedRun, update: dict[str, Any]) -> None:
        await self._of(run).change({"_id": _id(run)}, update)

    def _of(self, run: FinishedRun) -> Documents:
        return self._mongo.documents(_COLLECTION, run.tenant_id)


def _id(run: FinishedRun) -> str:
    return key_of(run.tenant_id, run.integration_id, run.run_id)


def _heard(run: FinishedRun) -> Update:
    """Times stay times; `place` puts runs in one order."""
    once = run.model_dump(mode="json", exclude={"sync_ids", "tenant_id"}) | {
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "waits_since": run.waits_since,
        "place": f"{int(run.finished_at.timestamp() * 1000):015}:{run.integration_id}:{run.run_id}",
    }
    update = {
        "$setOnInsert": once,
        "$addToSet": {"sync_ids": {"$each": list(run.sync_ids)}},
        "$set": {"open": True},
    }
    return Update({"_id": _id(run)}, update, upsert=True)
