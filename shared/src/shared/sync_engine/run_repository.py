"""Stores the runs of one sync service: requests queue or join, workers claim, advance and finish."""

# Invariant: a request is never lost and never answered twice. It is stored as a sync id of exactly one run,
# and a finished run answers each of its sync ids with a run-finished of its own (same run id):
#
#   sync s1 (full) → run r1 [s1]   sync s2 (quick) while r1 runs → r1 [s1, s2]   r1 ends → two run-finished
#
# A run has one worker: a claim stores the lease's token in the run, and every later change names that token,
# so a worker that was paused and succeeded changes nothing any more. A run that must wait is put down: it
# stays in the middle without a worker, and nothing of its integration is claimed before it is due:
#
#   r1 details, Retry-After a day → r1 running, not before tomorrow   r2 of the same integration stays queued

from collections.abc import Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from shared.contracts.base import Outcome
from shared.errors import Conflict, LongPause
from shared.mongo import Document, Documents, Index, Mongo, Session
from shared.outbox import Outbox
from shared.runtime.attempt import attempt
from shared.runtime.clock import Clock, utc_now
from shared.runtime.leases import Lease, LeaseLost, Leases
from shared.sync_engine.integrations import IntegrationStates
from shared.sync_engine.manifest_records import ManifestRecords
from shared.sync_engine.models import OPEN, IntegrationState, Run, RunRequest, RunState, RunStopped, run_of
from shared.sync_engine.observation_rows import stated_checksum
from shared.sync_engine.reports import RunEnding, StepReport
from shared.sync_engine.revisions import RevisionCounter
from shared.sync_engine.run_endings import COLLECTION, MessageTypes, RunEndings

RUN_INDEXES = (
    Index(COLLECTION, [("state", 1), ("queued_at", 1)]),
    Index(COLLECTION, [("integration_id", 1), ("sync_ids", 1)]),
)
TTL = timedelta(seconds=20)
"""How long a silent worker keeps its run; a living one renews often (`run_worker.WATCH_INTERVAL`)."""


@dataclass(frozen=True, slots=True)
class ClaimedRun:
    """A run that this worker alone may carry on, for as long as the lease lasts."""

    run: Run
    integration: IntegrationState
    lease: Lease


class RunRepository:
    """Keeps all runs of one sync service."""

    def __init__(
        self,
        mongo: Mongo,
        integrations: IntegrationStates,
        outbox: Outbox,
        message_types: MessageTypes,
        *,
        clock: Clock = utc_now,
    ) -> None:
        self._mongo, self._integrations, self._clock = mongo, integrations, clock
        self._message_types = message_types
        self.endings = RunEndings(mongo, outbox, message_types, clock=clock)
        self._leases, self._revisions = Leases(mongo), RevisionCounter(mongo)

    async def queue(self, request: RunRequest) -> Run:
        """Returns the run that answers the request, one that it joins or a new one; once for each sync id."""
        integration = await self._integrations.get(request.tenant_id, request.integration_id)
        generation = integration.generation if integration else 0

        async def work(session: Session) -> Run:
            return await self._join_or_insert(request, generation, session)

        try:
            return await self._mongo.transaction(work)
        except Conflict:  # the same request was queued by another consumer at this moment
            return await self._mongo.transaction(work)

    async def claim(self, *, but_of: Collection[str] = ()) -> ClaimedRun | None:
        """Returns the next run that nobody works on: one that was left in the middle before a queued one.

        Runs of the tenants `but_of` are passed over, and of integrations whose run is put down. A request
        that has waited for an integration for too long is refused in passing.
        """
        fields = ["tenant_id", "integration_id", "queued_at"]
        looked_at = {(row["tenant_id"], row["integration_id"]) for row in await self._paused_rows(fields)}
        rows = self._mongo.all_tenants(COLLECTION).stream(
            {"state": {"$in": OPEN}, "tenant_id": {"$nin": list(but_of)}},
            sort=[("queued_at", 1)],
            fields=fields,
        )
        async with aclosing(rows):
            async for row in rows:
                key = row["tenant_id"], row["integration_id"]
                if key in looked_at:
                    continue
                integration = await self._integrations.get(*key)
                if integration is None:
                    await self.endings.refuse_if_stale(row)
                    continue
                looked_at.add(key)
                if claimed := await self._claim(integration):
                    return claimed
        return None

    async def advance(
        self, claimed: ClaimedRun, next_phase: str, reports: Mapping[str, StepReport]
    ) -> ClaimedRun:
        """Stores the next step and the reports so far; raises `LeaseLost` when another worker has the run."""
        merged = {**claimed.run.reports, **reports}
        run = claimed.run.model_copy(update={"phase": next_phase, "reports": merged})
        # How far the last phase was says nothing of the next one.
        changes = run.model_dump(include={"phase", "reports"}) | {"phase_done": 0, "waiting_since": None}
        return replace(claimed, run=await self._change_owned(run, changes))

    async def put_down(self, claimed: ClaimedRun, pause: LongPause, *, done: int, total: int | None) -> Run:
        """Stores that the run goes on after the pause, and how far its phase is; returns it.

        Raises `LeaseLost` when another worker has the run, and `ProviderUnreachable` when it has waited for a
        week without getting further.
        """
        run = claimed.run.paused(pause, self._clock(), done=done, total=total)
        fields = {"not_before", "phase_done", "phase_total", "waiting_since"}
        return await self._change_owned(run, run.model_dump(include=fields))

    async def paused(self) -> list[Run]:
        """Returns the runs that are put down and not due yet."""
        return [Run.model_validate(row) for row in await self._paused_rows()]

    async def end_pause(self, run: Run) -> None:
        """Lets a run that was put down be claimed at once."""
        running = {"_id": run.run_id, "state": RunState.RUNNING}
        await self._rows(run).change(running, {"$set": {"not_before": None}})

    async def check_wanted(self, run: Run) -> None:
        """Raises `RunStopped` when the integration was disconnected, disabled or connected anew."""
        integration = await self._integrations.get(run.tenant_id, run.integration_id)
        if integration is None or not integration.runnable:
            raise RunStopped(f"the integration is {integration.status if integration else 'unknown'}")
        if integration.generation != run.generation:
            raise RunStopped("the integration was connected anew")

    async def finish(self, claimed: ClaimedRun, ending: RunEnding) -> Run:
        """Stores the end and its messages together; raises `LeaseLost` when another worker has the run."""
        run = claimed.run
        manifests = sum((await ManifestRecords(self._mongo).of_run(run)).values())
        complete = ending.outcome is Outcome.COMPLETE  # else it may have missed things, and vouches for none
        topics = self._message_types.catalogue if complete else ()
        checksums = [
            await stated_checksum(self._mongo, model.topic, run.tenant_id, run.integration_id)
            for model in topics
        ]
        finished = await self.endings.end(
            run.tenant_id, _owned(run), ending, manifests=manifests, checksums=checksums
        )
        if finished is None:
            raise LeaseLost(f"run {run.run_id} was taken over")
        return finished

    async def _join_or_insert(self, request: RunRequest, generation: int, session: Session) -> Run:
        rows = self._mongo.documents(COLLECTION, request.tenant_id)
        of_integration = {"integration_id": request.integration_id}
        answering = await rows.find(of_integration | {"sync_ids": request.sync_id}, limit=1, session=session)
        if answering:
            return Run.model_validate(answering[0])
        open_rows = await rows.find(
            of_integration | {"state": {"$in": OPEN}}, sort=[("queued_at", 1)], session=session
        )
        for row in open_rows:
            run = Run.model_validate(row)
            if run.answers(request, generation):
                joined = {"$push": {"sync_ids": request.sync_id}}
                await rows.change({"_id": run.run_id}, joined, session=session)
                return run
        run = run_of(request, self._clock())
        await rows.insert({"_id": run.run_id} | run.model_dump(), session=session)
        return run

    async def _claim(self, integration: IntegrationState) -> ClaimedRun | None:
        lease = await self._leases.take(f"run:{integration.integration_id}", TTL)
        if lease is None:
            return None
        run: Run | None = None
        try:
            run = await self._begin(integration, lease.token)
        finally:
            if run is None:
                await attempt(lease.release())
        return ClaimedRun(run, integration, lease) if run else None

    async def _begin(self, integration: IntegrationState, token: str) -> Run | None:
        rows = self._mongo.documents(COLLECTION, integration.tenant_id)
        waiting = await rows.find(
            {"integration_id": integration.integration_id, "state": {"$in": OPEN}}, sort=[("queued_at", 1)]
        )
        if not waiting:
            return None
        # One run at a time: what was left in the middle is ended before the next one begins.
        stored = min(waiting, key=lambda row: row["state"] != RunState.RUNNING)
        run = Run.model_validate(stored)
        if run.is_paused(self._clock()):  # put down since `claim` looked
            return None
        changes: dict[str, Any] = {"token": token, "not_before": None}
        if "reports" not in stored:
            # An older build left it: what fell short in its steps is not known, so they are done again.
            changes |= {"phase": "", "reports": {}}
        if run.state is RunState.QUEUED:
            # Killed right after this, the number is wasted, which harms nothing.
            revision = await self._revisions.next(run.tenant_id, run.integration_id)
            changes |= {"first_revision": revision, "generation": integration.generation}
            changes |= {"state": RunState.RUNNING, "started_at": self._clock()}
        # As it was read: paused in between, it may have been carried to its end by another worker.
        unchanged = {"_id": run.run_id, "state": run.state, "token": run.token}
        row = await rows.take(unchanged, {"$set": changes, "$inc": {"claims": 1}})
        return Run.model_validate(row) if row else None

    async def _paused_rows(self, fields: Sequence[str] | None = None) -> list[Document]:
        paused = {"state": RunState.RUNNING, "not_before": {"$gt": self._clock()}}
        return await self._mongo.all_tenants(COLLECTION).find(paused, fields=fields)

    async def _change_owned(self, run: Run, changes: Document) -> Run:
        row = await self._rows(run).take(_owned(run), {"$set": changes})
        if row is None:
            raise LeaseLost(f"run {run.run_id} was taken over")
        return Run.model_validate(row)

    def _rows(self, run: Run) -> Documents:
        return self._mongo.documents(COLLECTION, run.tenant_id)


async def assert_ownership(mongo: Mongo, run: Run, session: Session) -> None:
    """Lets this transaction end well only for the worker that has the run; raises `LeaseLost` for another.

    A successor's claim that comes at the same time conflicts with it: looking at the clock before could not
    keep a paused worker from storing what is outdated.
    """
    touch = {"$inc": {"holds": 1}}
    if not await mongo.documents(COLLECTION, run.tenant_id).change(_owned(run), touch, session=session):
        raise LeaseLost(f"run {run.run_id} was taken over")


def _owned(run: Run) -> Document:
    """Only the worker whose token the run carries may change it."""
    return {"_id": run.run_id, "state": RunState.RUNNING, "token": run.token}
