"""Runs from received to reconciled, the completions of syncs, and syncs as they were asked for."""

# Invariant: a stage is stored together with what makes it true (a closed run with the work that it
# enqueues, a completion with its event), and only from the stage before. So every call may be
# repeated, also by two replicas at once: the second finds the stage taken and changes nothing.

from collections.abc import Sequence
from datetime import datetime, timedelta

from billing.runs.models import FinishedRun, RunClosure, RunStage, Sync
from billing.usage.recalculation_queue import RecalculationQueue
from billing.usage.totals import Totals
from shared.contracts import Command
from shared.contracts.base import key_of, utc
from shared.contracts.billing import ReconciliationCompleted
from shared.errors import Conflict
from shared.mongo import Document, Documents, Index, Mongo, Session, Update
from shared.outbox import Outbox
from shared.runtime.clock import Clock, utc_now

_RUNS, _COMPLETIONS, _SYNCS = "runs", "completions", "syncs"
_GIVE_UP_AFTER = timedelta(days=30)
"""A sync whose other run has not come by then is not waited for any longer."""

RUN_INDEXES = (
    Index(_RUNS, [("state", 1), ("open", 1), ("waits_since", 1)]),
    Index(_RUNS, [("tenant_id", 1), ("sync_ids", 1)]),
    Index(_RUNS, [("tenant_id", 1), ("integration_id", 1), ("first_revision", -1)]),
    Index(_RUNS, [("tenant_id", 1), ("place", 1)]),
)


class FinishedRunRepository:
    """Stores every run once, however many syncs it answers (see `RunStore`)."""

    def __init__(self, mongo: Mongo, outbox: Outbox, *, clock: Clock = utc_now) -> None:
        self._mongo, self._outbox, self._clock = mongo, outbox, clock
        self._queue = RecalculationQueue(mongo)

    async def record(self, runs: Sequence[FinishedRun]) -> None:
        """Stores each run once; one that is stored already only learns that it answers one more sync."""
        for tenant_id in {run.tenant_id for run in runs}:
            rows = self._mongo.documents(_RUNS, tenant_id)
            upserts = [_upsert(run) for run in runs if run.tenant_id == tenant_id]
            try:
                await rows.bulk(upserts)
            except Conflict:
                # Another consumer inserted a run between this upsert's look and its insert: now it is there.
                await rows.bulk(upserts)

    async def awaiting_closure(self) -> list[FinishedRun]:
        return await self._longest_waiting({"state": RunStage.HEARD.value})

    async def awaiting_reconciliation(self) -> list[FinishedRun]:
        return await self._longest_waiting({"state": RunStage.CLOSED.value})

    async def awaiting_completion(self) -> list[FinishedRun]:
        """Returns reconciled runs with a sync that is not completed, or not broadcast."""
        recent = {"$gt": self._clock() - _GIVE_UP_AFTER}
        return await self._longest_waiting(
            {"state": RunStage.RECONCILED.value, "open": True, "waits_since": recent}
        )

    async def integrations_of(self, tenant_id: str, sync_id: str) -> list[str]:
        """Returns the integrations that a sync was asked of; none when nobody asked for it here."""
        row = await self._mongo.documents(_SYNCS, tenant_id).get(key_of(tenant_id, sync_id))
        return list(row["integration_ids"]) if row else []

    async def of_sync(self, tenant_id: str, sync_id: str) -> list[FinishedRun]:
        rows = await self._mongo.documents(_RUNS, tenant_id).find({"sync_ids": sync_id})
        return [FinishedRun.model_validate(row) for row in rows]

    async def newest_reconciled(self, tenant_id: str, integration_id: str) -> FinishedRun | None:
        wanted = {"integration_id": integration_id, "state": RunStage.RECONCILED.value}
        rows = await self._mongo.documents(_RUNS, tenant_id).find(
            wanted, sort=[("first_revision", -1)], limit=1
        )
        return FinishedRun.model_validate(rows[0]) if rows else None

    async def page(
        self, tenant_id: str, *, after: str | None = None, limit: int = 100
    ) -> tuple[list[FinishedRun], str | None]:
        """Returns runs, newest first, and the sort key of the last one when there are more."""
        wanted: Document = {"place": {"$lt": after}} if after else {}
        rows = await self._mongo.documents(_RUNS, tenant_id).find(
            wanted, sort=[("place", -1)], limit=limit + 1
        )
        last = rows[limit - 1]["place"] if len(rows) > limit else None
        return [FinishedRun.model_validate(row) for row in rows[:limit]], last

    async def note_applied(self, run: FinishedRun, applied: int, now: datetime) -> None:
        """Stores that more manifests were applied: patience is counted from now again."""
        await self._change(run, {"$set": {"applied": applied, "waits_since": now}})

    async def close(self, closure: RunClosure) -> bool:
        """Saves verdict and work in one transaction; returns False when the run is closed already."""
        run = closure.run
        stage = {
            "state": RunStage.CLOSED.value,
            "verdict": closure.verdict.value,
            "closed_at": closure.at,
            "waits_for": closure.waits_for,
            "unread_accounts": [account.model_dump() for account in closure.unread_accounts],
        }

        async def work(session: Session) -> bool:
            not_closed = {"_id": key_of(*run.key), "state": RunStage.HEARD.value}
            if not await self._rows(run).change(not_closed, {"$set": stage}, session=session):
                return False
            await self._queue.enqueue_refs(run.tenant_id, closure.affected, at=closure.at, session=session)
            return True

        return await self._mongo.transaction(work)

    async def reconcile(self, run: FinishedRun, totals: Totals, now: datetime) -> None:
        """Stores the totals, and the run's verdict as it is in the end."""
        stage = {
            "state": RunStage.RECONCILED.value,
            "reconciled_at": now,
            "verdict": run.verdict,
            "totals": totals.model_dump(mode="json"),
            "open": True,
        }
        not_reconciled = {"_id": key_of(*run.key), "state": RunStage.CLOSED.value}
        await self._rows(run).change(not_reconciled, {"$set": stage})

    async def complete_sync(self, completed: ReconciliationCompleted) -> None:
        """Stores and publishes the completion in one transaction, once however often it is called."""

        async def work(session: Session) -> None:
            row = completed.model_dump(mode="json") | {"_id": completed.key}
            rows = self._mongo.documents(_COMPLETIONS, completed.tenant_id)
            await rows.insert(row, session=session)
            await self._outbox.add([completed], session=session, correlation_id=completed.sync_id)

        try:
            await self._mongo.transaction(work)
        except Conflict:
            return
        self._outbox.wake()

    async def note_completed(self, run: FinishedRun, sync_id: str) -> None:
        """Stores that a sync of the run is completed."""
        await self._change(run, {"$addToSet": {"settled": sync_id}})

    async def note_broadcast(self, run: FinishedRun, sync_id: str) -> None:
        """Stores that the completion of a sync of the run was broadcast."""
        await self._change(run, {"$addToSet": {"announced": sync_id}})

    async def finish(self, run: FinishedRun) -> None:
        """Stores that nothing is left to do, unless another sync joined the run in the meantime."""
        row = await self._rows(run).get(key_of(*run.key))
        if row and set(row["sync_ids"]) == set(row["settled"]) == set(row["announced"]):
            unchanged = {"_id": key_of(*run.key), "sync_ids": row["sync_ids"]}
            await self._rows(run).change(unchanged, {"$set": {"open": False}})

    async def _longest_waiting(self, wanted: Document) -> list[FinishedRun]:
        rows = await self._mongo.all_tenants(_RUNS).find(wanted, sort=[("waits_since", 1)])
        return [FinishedRun.model_validate(row) for row in rows]

    async def _change(self, run: FinishedRun, update: Document) -> None:
        await self._rows(run).change({"_id": key_of(*run.key)}, update)

    def _rows(self, run: FinishedRun) -> Documents:
        return self._mongo.documents(_RUNS, run.tenant_id)


class SyncRepository:
    """Stores each sync once, whoever asks again (see `SyncStore`)."""

    def __init__(self, mongo: Mongo, outbox: Outbox) -> None:
        self._mongo, self._outbox = mongo, outbox

    async def start(self, sync: Sync, commands: Sequence[Command]) -> bool:
        """Saves the sync with its commands, once; returns whether it was new."""

        async def work(session: Session) -> None:
            rows = self._mongo.documents(_SYNCS, sync.tenant_id)
            await rows.insert(_sync_document(sync), session=session)
            await self._outbox.add(commands, session=session, correlation_id=sync.sync_id)

        try:
            await self._mongo.transaction(work)
        except Conflict:
            return False
        self._outbox.wake()
        return True


def _upsert(run: FinishedRun) -> Update:
    """Returns the change that stores a run: times as dates, and the sort key of the list in `place`."""
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
    return Update({"_id": key_of(*run.key)}, update, upsert=True)


def _sync_document(sync: Sync) -> Document:
    return {
        "_id": key_of(sync.tenant_id, sync.sync_id),
        "sync_id": sync.sync_id,
        "integration_ids": list(sync.integration_ids),
        "kind": sync.kind.value,
        "asked_by": sync.asked_by,
        "requested_at": utc(sync.requested_at),
    }
