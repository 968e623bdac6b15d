"""Keeps what runs changed, which of them were held, and what people decided."""

# Invariant: what a run makes of lines is stored in the transaction in which the manifests count that make it;
# with it the hold, its audit entry and the work that it makes. The record of a run counts its judgements
# (`changes`): each moves it on from the one that it has seen, so that of two judges one starts over.
#
#   r9 at 4: A judges, B judges   → A stores 5   B finds 5, not 4: its transaction fails, and it judges again

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import structlog
from pydantic import ValidationError

from billing.audit.repository import AuditLog
from billing.feeds.models import FeedSize, HeldRun, HoldState, JudgedRun, LineSwing, RunRecord, RunRef
from billing.feeds.news import hold_news
from billing.feeds.swing_repository import SWING_INDEXES, SwingRepository, run_key
from billing.usage.manifest_reader import HEADERS
from billing.usage.recalculation_queue import RecalculationQueue
from billing.usage.ref import Ref, RefKind
from shared.errors import Conflict, NotFound, TransientError
from shared.mongo import Document, Documents, Index, Mongo, Session
from shared.news_channel import Announce, announce_nothing

log = structlog.get_logger()

_RUNS = "feed_runs"
_DOUBTED = [HoldState.HELD.value, HoldState.REJECTED.value]

FEED_INDEXES = (
    *SWING_INDEXES,
    Index(_RUNS, [("state", 1)], where={"state": HoldState.HELD.value}),
    Index(_RUNS, [("falling_back", 1)], where={"falling_back": True}),
    Index(_RUNS, [("unshown", 1)], where={"unshown": True}),
    Index(_RUNS, [("tenant_id", 1), ("state", 1)]),
)


class FeedRepository:
    """Stores what runs change, and holds (see `FeedStore`)."""

    def __init__(
        self,
        mongo: Mongo,
        audit: AuditLog,
        queue: RecalculationQueue,
        *,
        announce: Announce = announce_nothing,
    ) -> None:
        self._mongo, self._audit, self._queue, self._announce = mongo, audit, queue, announce
        self._swings = SwingRepository(mongo)

    async def record_of(self, tenant_id: str, run: RunRef) -> RunRecord:
        """Returns what is stored of a run; an empty record for one that was never judged.

        Raises `ValueError` for a record that cannot be read.
        """
        row = await self._runs(tenant_id).get(run_key(tenant_id, run))
        if row is None:
            return RunRecord(run)
        changes, state = int(row.get("changes", 0)), row.get("state")
        if changes < 1:
            raise ValueError(f"the record of run {run.run_id} counts {changes} judgements")
        return RunRecord(run, changes, HoldState(state) if state else None)

    async def swings(self, tenant_id: str, run: RunRef) -> dict[str, LineSwing]:
        return await self._swings.of_run(tenant_id, run)

    async def size(self, tenant_id: str, integration_id: str, swings: Collection[LineSwing]) -> FeedSize:
        return await self._swings.size(tenant_id, integration_id, swings)

    async def store_judged(self, tenant_id: str, runs: Sequence[JudgedRun], session: Session) -> None:
        """Stores judgements within a transaction.

        Raises `TransientError` when somebody else has judged one of the runs since its record was read.
        """
        for judged in runs:
            record = judged.record
            await self._move_on(tenant_id, judged, session)
            await self._swings.store(tenant_id, record.run, judged.swings, session=session)
            if judged.held and not record.is_decided:
                await self._say(judged.held, judged.held.held_at, "billing", session)

    def tell(self, tenant_id: str, runs: Sequence[JudgedRun]) -> None:
        """Tells people who look of the holds among judgements that are committed."""
        held = [judged.held for judged in runs if judged.held and not judged.record.is_decided]
        self._announce(tenant_id, map(hold_news, held))

    async def _move_on(self, tenant_id: str, judged: JudgedRun, session: Session) -> None:
        """Counts the judgement, and stores its hold unless the run was decided on before."""
        record, rows = judged.record, self._runs(tenant_id)
        id_ = run_key(tenant_id, record.run)
        held = _fields(judged.held) if judged.held and not record.is_decided else {}
        first = {"_id": id_, **record.run._asdict(), "changes": 1, **held}
        if not record.readable:
            await rows.put(first, session=session)
        elif record.changes:
            seen = {"_id": id_, "changes": record.changes}
            update = {"$inc": {"changes": 1}} | ({"$set": held} if held else {})
            if not await rows.change(seen, update, session=session):
                raise TransientError(f"run {record.run.run_id} was judged or decided on by somebody else")
        else:
            try:
                await rows.insert(first, session=session)
            except Conflict as error:
                raise TransientError(f"run {record.run.run_id} was judged by somebody else") from error

    async def resolve(
        self, tenant_id: str, run: RunRef, state: HoldState, *, by: str, reason: str, at: datetime
    ) -> HeldRun:
        """Ends a hold; raises `NotFound` for a run that was never held, `Conflict` if it is not now.

        Neither can a run be resolved on which nothing rests any more.
        """
        row = await self._runs(tenant_id).get(run_key(tenant_id, run))
        if row is None or "state" not in row:
            raise NotFound(f"run {run.run_id} of {run.integration_id} was never held: list the held runs")
        end = {"state": state, "resolved_at": at, "resolved_by": by, "reason": reason}
        resolved = HeldRun.model_validate(row).model_copy(update=end)
        if row["state"] != HoldState.HELD.value:
            raise Conflict(f"run {run.run_id} is not held any more: it was {row['state']}")

        async def work(session: Session) -> None:
            if not await self._counts_anywhere(tenant_id, run, session):
                raise Conflict(
                    f"run {run.run_id} is not held any more: newer runs have read all of its accounts again"
                )
            if not await self._end(resolved, by, at, session):
                raise Conflict(f"run {run.run_id} is not held any more: list the held runs")

        async with self._audit.tenant_lock(tenant_id):
            await self._mongo.transaction(work)
        self._announce(tenant_id, [hold_news(resolved)])
        return resolved

    async def overtake(self, held: HeldRun, at: datetime) -> bool:
        """Ends a hold on whose run nothing rests any more; returns False while anything does."""
        end = {"state": HoldState.OVERTAKEN, "resolved_at": at, "resolved_by": "billing"}
        overtaken = held.model_copy(update=end | {"reason": "newer runs have read all of its accounts again"})

        async def work(session: Session) -> bool:
            if await self._counts_anywhere(held.tenant_id, held.ref, session):
                return False
            return await self._end(overtaken, "billing", at, session)

        async with self._audit.tenant_lock(held.tenant_id):
            ended = await self._mongo.transaction(work)
        if ended:
            self._announce(held.tenant_id, [hold_news(overtaken)])
        return ended

    async def _counts_anywhere(self, tenant_id: str, run: RunRef, session: Session) -> bool:
        """Whether a manifest of the run counts.

        A manifest that is about to count moves the record of its run on, as the caller does: so the two
        cannot miss each other.
        """
        of_run = {"integration_id": run.integration_id, "current.run_id": run.run_id}
        rows = self._mongo.documents(HEADERS, tenant_id)
        return bool(await rows.find(of_run, limit=1, fields=["_id"], session=session))

    async def _end(self, ended: HeldRun, actor: str, at: datetime, session: Session) -> bool:
        still_held = {"_id": run_key(ended.tenant_id, ended.ref), "state": HoldState.HELD.value}
        update = {"$set": _fields(ended), "$inc": {"changes": 1}}
        if not await self._runs(ended.tenant_id).change(still_held, update, session=session):
            return False
        await self._say(ended, at, actor, session)
        return True

    async def holds(self, tenant_id: str) -> list[HeldRun]:
        """Returns all runs that ever were held, the newest first."""
        rows = await self._runs(tenant_id).find({"state": {"$exists": True}}, sort=[("held_at", -1)])
        return _readable(rows)

    async def held(self) -> list[HeldRun]:
        """Returns the runs of all tenants that wait for a person."""
        return await self._of_all({"state": HoldState.HELD.value})

    async def falling_back(self) -> list[HeldRun]:
        """Returns rejected runs whose accounts did not fall back yet."""
        return await self._of_all({"falling_back": True})

    async def note_fallen_back(self, held: HeldRun) -> None:
        await self._change(held, {"falling_back": False})

    async def unshown(self) -> list[HeldRun]:
        """Returns runs whose hold has ended and of whose end the status channel was not told."""
        return await self._of_all({"unshown": True})

    async def note_shown(self, held: HeldRun) -> None:
        await self._change(held, {"unshown": False})

    async def doubted(self, tenant_id: str) -> frozenset[RunRef]:
        """Returns the runs whose numbers do not count: those that are held, and those that were rejected."""
        return await self._in_states(tenant_id, _DOUBTED)

    async def rejected(self, tenant_id: str) -> frozenset[RunRef]:
        """Returns the runs whose manifests count no more, those that are still on their way too."""
        return await self._in_states(tenant_id, [HoldState.REJECTED.value])

    async def _of_all(self, wanted: Document) -> list[HeldRun]:
        return _readable(await self._mongo.all_tenants(_RUNS).find(wanted))

    async def _change(self, held: HeldRun, changes: Document) -> None:
        as_it_is = {"_id": run_key(held.tenant_id, held.ref), "state": held.state.value}
        await self._runs(held.tenant_id).change(as_it_is, {"$set": changes})

    async def _in_states(self, tenant_id: str, states: list[str]) -> frozenset[RunRef]:
        rows = await self._runs(tenant_id).find(
            {"state": {"$in": states}}, fields=["integration_id", "run_id"]
        )
        return frozenset(RunRef(row.get("integration_id", ""), row.get("run_id", "")) for row in rows)

    async def _say(self, held: HeldRun, at: datetime, actor: str, session: Session) -> None:
        """Writes the audit entry, and enqueues whatever rests on the run."""
        await self._audit.append(held.tenant_id, [held.draft(at, actor)], session=session)
        integration = Ref(RefKind.INTEGRATION, held.integration_id)
        await self._queue.enqueue_refs(held.tenant_id, [integration], session=session)

    def _runs(self, tenant_id: str) -> Documents:
        return self._mongo.documents(_RUNS, tenant_id)


def _readable(rows: Iterable[Document]) -> list[HeldRun]:
    """The runs of these records; one that cannot be read holds up no other."""
    held = []
    for row in rows:
        try:
            held.append(HeldRun.model_validate(row))
        except ValidationError as error:
            log.error("held_run_unreadable", run=row["_id"], error=str(error))  # noqa: TRY400  no stack
    return held


def _fields(held: HeldRun) -> Document:
    """The fields of a run's record that say what became of it, and what is left to do about it."""
    return held.model_dump(mode="json", exclude={"tenant_id"}) | {
        "falling_back": held.state is HoldState.REJECTED,
        "unshown": held.state is not HoldState.HELD,
    }
