"""The runs of one sync service: requests queue or join them, workers claim, continue and finish them.

A request is never lost: it is stored as a sync id of exactly one run, and a finished run answers each of its
sync ids with a run-finished of its own (same run id).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.contracts.base import Message, Observation, ProviderCredentialsRejected, RunFinished
from shared.errors import Conflict
from shared.mongo import Document, Index, Mongo, Session
from shared.outbox import Outbox
from shared.runtime.attempt import attempt
from shared.runtime.leases import Lease, LeaseLost, Leases
from shared.sync_engine.integrations import IntegrationStates
from shared.sync_engine.models import (
    OPEN,
    IntegrationState,
    Run,
    RunEnding,
    RunRequest,
    RunState,
    RunStopped,
    run_of,
)
from shared.sync_engine.publication_counts import published_since
from shared.sync_engine.revisions import RevisionCounter

COLLECTION = "runs"
RUN_INDEXES = (
    Index(COLLECTION, [("state", 1), ("queued_at", 1)]),
    Index(COLLECTION, [("integration_id", 1), ("sync_ids", 1)]),
)
TTL = timedelta(seconds=20)
"""How long a silent worker keeps its run; a living one renews far more often (`working.WATCH`)."""


@dataclass(frozen=True, slots=True)
class MessageTypes:
    """The classes in which one service speaks of its runs."""

    finished: type[RunFinished]
    rejected: type[ProviderCredentialsRejected]
    observations: tuple[type[Observation], ...]


@dataclass(frozen=True, slots=True)
class ClaimedRun:
    """A run that this worker alone may carry on, for as long as the lease lasts."""

    run: Run
    known: IntegrationState
    lease: Lease


class RunRepository:
    """All runs of one sync service."""

    def __init__(
        self, mongo: Mongo, integrations: IntegrationStates, outbox: Outbox, says: MessageTypes
    ) -> None:
        self._mongo, self._integrations, self._outbox, self._says = mongo, integrations, outbox, says
        self._leases, self._revisions = Leases(mongo), RevisionCounter(mongo)

    async def queue(self, request: RunRequest) -> Run:
        """The run that answers this request: one that it joins, or a new one; the same request once only."""
        known = await self._integrations.get(request.tenant_id, request.integration_id)
        generation = known.generation if known else 0

        async def work(session: Session) -> Run:
            return await self._placed(request, generation, session)

        try:
            return await self._mongo.transaction(work)
        except Conflict:  # the same request was queued by another consumer at this moment
            return await self._mongo.transaction(work)

    async def claim(self) -> ClaimedRun | None:
        """The next run that nobody works on: one that was left in the middle before a queued one."""
        rows = await self._mongo.all_tenants(COLLECTION).find(
            {"state": {"$in": OPEN}}, sort=[("queued_at", 1)], fields=["tenant_id", "integration_id"]
        )
        for tenant_id, integration_id in dict.fromkeys((r["tenant_id"], r["integration_id"]) for r in rows):
            known = await self._integrations.get(tenant_id, integration_id)
            if known and (claimed := await self._claim(known)):
                return claimed
        return None

    async def note(
        self, claimed: ClaimedRun, phase: str, notes: Mapping[str, str] | None = None
    ) -> ClaimedRun:
        """Remember what comes next; raises `LeaseLost` when another worker has the run by now."""
        run = claimed.run
        news = {"phase": phase, "notes": run.notes | dict(notes or {})}
        if not await self._of(run).change(_mine(run), {"$set": news}):
            raise LeaseLost(f"run {run.run_id} was taken over")
        return ClaimedRun(run.model_copy(update=news), claimed.known, claimed.lease)

    async def check_wanted(self, run: Run) -> None:
        """Raises `RunStopped` when the integration was disconnected, disabled or connected anew."""
        known = await self._integrations.get(run.tenant_id, run.integration_id)
        if known is None or not known.runnable:
            raise RunStopped(f"the integration is {known.status if known else 'unknown'}")
        if known.generation != run.generation:
            raise RunStopped("the integration was connected anew")

    async def finish(self, claimed: ClaimedRun, ending: RunEnding) -> Run:
        """Save the end and say it in one step; raises `LeaseLost` when another worker has the run by now."""
        run = claimed.run
        # Counted before the end is saved: a write that comes in between only adds to what billing finds.
        published = await published_since(
            self._mongo, run, [model.topic for model in self._says.observations]
        )
        news = {"state": RunState(ending.outcome), "reason": ending.reason, "finished_at": datetime.now(UTC)}

        async def work(session: Session) -> Run:
            # Read with the change: a request that joined a moment ago is among the sync ids, or the
            # transaction of one that joins now is retried and finds the run over.
            row = await self._of(run).take(_mine(run), {"$set": news}, session=session)
            if row is None:
                raise LeaseLost(f"run {run.run_id} was taken over")
            finished = _run(row)
            said = self._news(finished, ending, published)
            await self._outbox.add(said, session=session, correlation_id=run.run_id)
            return finished

        finished = await self._mongo.transaction(work)
        self._outbox.wake()
        return finished

    async def _placed(self, request: RunRequest, generation: int, session: Session) -> Run:
        rows = self._mongo.documents(COLLECTION, request.tenant_id)
        ours = {"integration_id": request.integration_id}
        answering = await rows.find(ours | {"sync_ids": request.sync_id}, limit=1, session=session)
        if answering:
            return _run(answering[0])
        going = await rows.find(ours | {"state": {"$in": OPEN}}, sort=[("queued_at", 1)], session=session)
        for run in map(_run, going):
            if run.takes_in(request, generation):
                joined = {"$push": {"sync_ids": request.sync_id}}
                await rows.change({"_id": run.run_id}, joined, session=session)
                return run
        run = run_of(request, datetime.now(UTC))
        await rows.insert(_document(run), session=session)
        return run

    async def _claim(self, known: IntegrationState) -> ClaimedRun | None:
        lease = await self._leases.take(f"run:{known.integration_id}", TTL)
        if lease is None:
            return None
        run = await attempt(self._begun(known, lease.token))
        if isinstance(run, Run):
            return ClaimedRun(run, known, lease)
        await attempt(lease.release())
        if run is not None:
            raise run
        return None

    async def _begun(self, known: IntegrationState, token: str) -> Run | None:
        rows = self._mongo.documents(COLLECTION, known.tenant_id)
        waiting = await rows.find(
            {"integration_id": known.integration_id, "state": {"$in": OPEN}}, sort=[("queued_at", 1)]
        )
        if not waiting:
            return None
        # One run at a time: what was left in the middle is ended before the next one begins.
        run = _run(min(waiting, key=lambda row: row["state"] != RunState.RUNNING))
        news: dict[str, Any] = {"token": token}
        if run.state is RunState.QUEUED:
            # Killed right after this, the number is wasted, which harms nothing.
            revision = await self._revisions.next(run.tenant_id, run.integration_id)
            news |= {"first_revision": revision, "generation": known.generation}
            news |= {"state": RunState.RUNNING, "started_at": datetime.now(UTC)}
        # As it was read: paused in between, it may have been carried to its end by another worker.
        same = {"_id": run.run_id, "state": run.state, "token": run.token}
        row = await rows.take(same, {"$set": news, "$inc": {"claims": 1}})
        return _run(row) if row else None

    def _news(self, run: Run, ending: RunEnding, published: Mapping[str, int]) -> list[Message]:
        finished = [self._finished(run, sync_id, ending, published) for sync_id in run.sync_ids]
        return [*finished, *self._refusals(run, ending)]

    def _finished(
        self, run: Run, sync_id: str, ending: RunEnding, published: Mapping[str, int]
    ) -> RunFinished:
        return self._says.finished.model_validate(
            run.model_dump(exclude={"sync_ids", "state"})
            | {"sync_id": sync_id, "outcome": ending.outcome, "published": dict(published)}
            | {"counts": dict(ending.tally.counts), "coverage": ending.tally.coverage}
        )

    def _refusals(self, run: Run, ending: RunEnding) -> Iterable[ProviderCredentialsRejected]:
        if ending.refused is not None:
            yield self._says.rejected(
                tenant_id=run.tenant_id,
                integration_id=run.integration_id,
                generation=run.generation,
                refused=ending.refused,
            )

    def _of(self, run: Run) -> Any:
        return self._mongo.documents(COLLECTION, run.tenant_id)


async def assert_ownership(mongo: Mongo, run: Run, session: Session) -> None:
    """Let this transaction end well only for the worker that has the run; raises `LeaseLost` for another.

    A successor's claim that comes at the same time conflicts with it: looking at the clock before could not
    keep a paused worker from storing what is outdated.
    """
    held = {"$inc": {"holds": 1}}
    if not await mongo.documents(COLLECTION, run.tenant_id).change(_mine(run), held, session=session):
        raise LeaseLost(f"run {run.run_id} was taken over")


def _mine(run: Run) -> Document:
    """Only the worker whose token the run carries may change it."""
    return {"_id": run.run_id, "state": RunState.RUNNING, "token": run.token}


def _document(run: Run) -> Document:
    return {"_id": run.run_id} | run.model_dump()


def _run(document: Document) -> Run:
    return Run.model_validate(document)
