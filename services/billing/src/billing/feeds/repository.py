"""Keeps what runs changed, which of them were held, and what people decided."""

# Invariant: a change of a line is noted in the transaction that stores the line, against the number that the
# line had before the run's first change of it: however often a line is calculated during one run, the run's
# change of it is noted once. A hold, its audit entry and the work that it makes are one transaction.
#
#   run r9: line 7 from 10 to 6, then from 6 to 0   → one swing, 10 → 0

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal

from billing.audit.repository import AuditLog
from billing.feeds.models import FeedSize, HeldRun, HoldState, LineSwing, RunRef
from billing.usage.diff import LineRevision
from billing.usage.recalculation_queue import RecalculationQueue
from billing.usage.ref import Ref, RefKind
from billing.usage.usage_line import LineFeed, UsageLine
from shared.contracts import Message
from shared.contracts.base import key_of
from shared.contracts.fields import plain
from shared.errors import Conflict, NotFound
from shared.mongo import Change, Document, Documents, Index, Mongo, Session, Update

_SWINGS, _RUNS, _LINES = "feed_swings", "feed_runs", "usage_lines"
_DOUBTED = [HoldState.HELD.value, HoldState.REJECTED.value]

FEED_INDEXES = (
    Index(_SWINGS, [("run", 1)]),
    Index(_RUNS, [("unjudged", 1)], where={"unjudged": True}),
    Index(_RUNS, [("unfinished", 1)], where={"unfinished": True}),
    Index(_RUNS, [("tenant_id", 1), ("state", 1)]),
)


class FeedRepository:
    """Stores swings as lines change, and holds (see `FeedStore`)."""

    def __init__(self, mongo: Mongo, audit: AuditLog, queue: RecalculationQueue) -> None:
        self._mongo, self._audit, self._queue = mongo, audit, queue

    async def lines_changed(
        self, tenant_id: str, revisions: Sequence[LineRevision], *, session: Session
    ) -> Sequence[Message]:
        """Notes what runs have made of these lines; there is nothing to send (see `LineWatcher`)."""
        swings: defaultdict[RunRef, list[LineSwing]] = defaultdict(list)
        for revision in revisions:
            for run, swing in swings_of(revision.before, revision.line):
                swings[run].append(swing)
        changes = [_noted(tenant_id, run, swing) for run, of_run in swings.items() for swing in of_run]
        runs: list[Change] = [
            Update(
                {"_id": _run_key(tenant_id, run)},
                {"$set": {**run._asdict(), "unjudged": True}, "$inc": {"changes": 1}},
                upsert=True,
            )
            for run in swings
        ]
        await self._mongo.documents(_SWINGS, tenant_id).bulk(changes, session=session)
        await self._runs(tenant_id).bulk(runs, session=session)
        return ()

    async def unjudged(self, limit: int) -> dict[str, dict[RunRef, int]]:
        """Returns runs that have changed lines since they were judged, each with its count of changes."""
        rows = await self._mongo.all_tenants(_RUNS).find({"unjudged": True}, limit=limit)
        runs: defaultdict[str, dict[RunRef, int]] = defaultdict(dict)
        for row in rows:
            runs[row["tenant_id"]][RunRef(row["integration_id"], row["run_id"])] = row["changes"]
        return runs

    async def swings(self, tenant_id: str, run: RunRef) -> list[LineSwing]:
        rows = await self._mongo.documents(_SWINGS, tenant_id).find({"run": _run_key(tenant_id, run)})
        return [
            LineSwing(
                row["line_id"],
                Decimal(row["before"]),
                Decimal(row["after"]),
                Decimal(row["unit_price"]) if row["unit_price"] is not None else None,
                row["currency"],
            )
            for row in rows
        ]

    async def size(self, tenant_id: str, integration_id: str, swings: Collection[LineSwing]) -> FeedSize:
        """Returns how much there was before these swings, on the side of the integration."""
        lines, money = 0, defaultdict[str, Decimal](Decimal)
        swung = {swing.line_id for swing in swings}
        fields = ["line_id", "psa_integration_id", "last_vendor", "last_psa", "unit_price", "currency"]
        rows = self._mongo.documents(_LINES, tenant_id)
        async for row in rows.stream({"integration_ids": integration_id, "present": True}, fields=fields):
            side = "last_psa" if row["psa_integration_id"] == integration_id else "last_vendor"
            number = Decimal(row.get(side) or 0)
            if row["line_id"] not in swung and number > 0:
                lines += 1
                if row.get("unit_price") and row.get("currency"):
                    money[row["currency"]] += number * Decimal(row["unit_price"])
        for swing in swings:
            if swing.before > 0:
                lines += 1
                if swing.unit_price is not None and swing.currency is not None:
                    money[swing.currency] += swing.before * swing.unit_price
        return FeedSize(lines, money)

    async def note_judged(self, tenant_id: str, run: RunRef, changes: int) -> None:
        """Stores that the run was judged after so many changes; one that came since is judged again."""
        judged = {"_id": _run_key(tenant_id, run), "changes": changes}
        await self._runs(tenant_id).change(judged, {"$set": {"unjudged": False}})

    async def hold(self, held: HeldRun) -> bool:
        """Stores the hold with its audit entry and its work; returns False when it was decided on before."""
        undecided = {"_id": _run_key(held.tenant_id, held.ref), "state": {"$exists": False}}

        async def work(session: Session) -> bool:
            changes = {"$set": _fields(held)}
            if not await self._runs(held.tenant_id).change(undecided, changes, session=session):
                return False
            await self._say(held, held.held_at, "billing", session)
            return True

        async with self._audit.tenant_lock(held.tenant_id):
            return await self._mongo.transaction(work)

    async def resolve(
        self, tenant_id: str, run: RunRef, state: HoldState, *, by: str, reason: str, at: datetime
    ) -> HeldRun:
        """Ends a hold; raises `NotFound` for a run that was never held, `Conflict` if it is not now."""
        row = await self._runs(tenant_id).get(_run_key(tenant_id, run))
        if row is None or "state" not in row:
            raise NotFound(f"run {run.run_id} of {run.integration_id} was never held: list the held runs")
        end = {"state": state, "resolved_at": at, "resolved_by": by, "reason": reason}
        resolved = HeldRun.model_validate(row).model_copy(update=end)

        async def work(session: Session) -> None:
            still_held = {"_id": row["_id"], "state": HoldState.HELD.value}
            changes = {"$set": _fields(resolved)}
            if not await self._runs(tenant_id).change(still_held, changes, session=session):
                raise Conflict(f"run {run.run_id} is not held any more: list the held runs")
            await self._say(resolved, at, by, session)

        async with self._audit.tenant_lock(tenant_id):
            await self._mongo.transaction(work)
        return resolved

    async def holds(self, tenant_id: str) -> list[HeldRun]:
        """Returns all runs that ever were held, the newest first."""
        rows = await self._runs(tenant_id).find({"state": {"$exists": True}}, sort=[("held_at", -1)])
        return [HeldRun.model_validate(row) for row in rows]

    async def doubted(self, tenant_id: str) -> frozenset[RunRef]:
        """Returns the runs whose numbers do not count: those that are held, and those that were rejected."""
        return await self._in_states(tenant_id, _DOUBTED)

    async def rejected(self, tenant_id: str) -> frozenset[RunRef]:
        """Returns the runs whose manifests count no more, those that are still on their way too."""
        return await self._in_states(tenant_id, [HoldState.REJECTED.value])

    async def unfinished(self) -> list[HeldRun]:
        """Returns holds that nobody was told of, and rejected runs whose accounts did not fall back yet."""
        rows = await self._mongo.all_tenants(_RUNS).find({"unfinished": True})
        return [HeldRun.model_validate(row) for row in rows]

    async def finish(self, held: HeldRun) -> None:
        """Stores that nothing is left to do about a run in this state."""
        as_it_is = {"_id": _run_key(held.tenant_id, held.ref), "state": held.state.value}
        await self._runs(held.tenant_id).change(as_it_is, {"$set": {"unfinished": False}})

    async def _in_states(self, tenant_id: str, states: list[str]) -> frozenset[RunRef]:
        rows = await self._runs(tenant_id).find(
            {"state": {"$in": states}}, fields=["integration_id", "run_id"]
        )
        return frozenset(RunRef(row["integration_id"], row["run_id"]) for row in rows)

    async def _say(self, held: HeldRun, at: datetime, actor: str, session: Session) -> None:
        """Writes the audit entry, and enqueues whatever rests on the run."""
        await self._audit.append(held.tenant_id, [held.draft(at, actor)], session=session)
        integration = Ref(RefKind.INTEGRATION, held.integration_id)
        await self._queue.enqueue_refs(held.tenant_id, [integration], session=session)

    def _runs(self, tenant_id: str) -> Documents:
        return self._mongo.documents(_RUNS, tenant_id)


def swings_of(before: UsageLine | None, line: UsageLine) -> list[tuple[RunRef, LineSwing]]:
    """What new manifests have made of the numbers of a line, by the run that made them.

    A number that changed although the same manifests count was changed by a person, who mapped something.
    """
    if before is None:
        return []
    price = line.unit_price if line.unit_price is not None else before.unit_price
    currency = line.currency or before.currency
    sides = (
        (before.vendor_feed, line.vendor_feed, before.last_vendor, line.vendor_count.number),
        (before.psa_feed, line.psa_feed, before.last_psa, line.psa_count.number),
    )
    return [
        (RunRef(feed.integration_id, feed.run_id), LineSwing(line.line_id, last, number, price, currency))
        for former, feed, last, number in sides
        if _is_news(former, feed) and feed and last and number is not None and number != last
    ]


def _is_news(former: LineFeed | None, feed: LineFeed | None) -> bool:
    return former is not None and feed is not None and feed.revision > former.revision


def _fields(held: HeldRun) -> Document:
    return held.model_dump(mode="json", exclude={"tenant_id"}) | {"unfinished": True}


def _noted(tenant_id: str, run: RunRef, swing: LineSwing) -> Update:
    key = _run_key(tenant_id, run)
    once = {
        "run": key,
        "line_id": swing.line_id,
        "before": plain(swing.before),
        "unit_price": None if swing.unit_price is None else plain(swing.unit_price),
        "currency": swing.currency,
    }
    update = {"$setOnInsert": once, "$set": {"after": plain(swing.after)}}
    return Update({"_id": f"{key}/{swing.line_id}"}, update, upsert=True)


def _run_key(tenant_id: str, run: RunRef) -> str:
    return key_of(tenant_id, run.integration_id, run.run_id)
