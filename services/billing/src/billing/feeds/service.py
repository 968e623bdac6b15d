"""Judges runs by what they change, holds those that are not believed, and lets people end a hold."""

# Invariant: what a held run says counts nowhere until a person has released it. Judging reads what was stored
# together with the changed lines, and each step ends with a note that it is done: a crash repeats the step,
# and the step done again changes nothing.
#
#   r9 held → the status channel is told → a person rejects it → its accounts fall back, 100 at a time → done

import structlog

from billing.feeds.models import LEAST_SWUNG, FeedRules, HeldRun, HoldState, RunRef, objection_to
from billing.feeds.ports import FeedStore, FormerManifests, HoldBoard
from shared.contracts.base import utc
from shared.runtime.clock import Clock, utc_now
from shared.status_channel import RunStatus

log = structlog.get_logger()

_RUNS_PER_STEP = 20


class FeedBreaker:
    """Holds runs, and carries out what people decide on them."""

    def __init__(
        self,
        store: FeedStore,
        manifests: FormerManifests,
        board: HoldBoard,
        *,
        rules: FeedRules,
        clock: Clock = utc_now,
    ) -> None:
        self._store, self._manifests, self._board = store, manifests, board
        self._rules, self._clock = rules, clock

    async def step(self) -> bool:
        """Judges the runs that have changed more lines, then does what holds and rejections leave to do."""
        unjudged = await self._store.unjudged(_RUNS_PER_STEP)
        for tenant_id, runs in unjudged.items():
            for run, changes in runs.items():
                await self._judge(tenant_id, run)
                await self._store.note_judged(tenant_id, run, changes)
        unfinished = await self._store.unfinished()
        for held in unfinished:
            await self._carry_out(held)
        return bool(unjudged or unfinished)

    async def resolve(
        self, tenant_id: str, run: RunRef, state: HoldState, *, by: str, reason: str
    ) -> HeldRun:
        """Releases or rejects a held run; raises `NotFound` and `Conflict` as `FeedStore.resolve` does."""
        at = utc(self._clock())
        held = await self._store.resolve(tenant_id, run, state, by=by, reason=reason, at=at)
        log.info("run_resolved", tenant_id=tenant_id, run_id=run.run_id, state=state)
        return held

    async def _judge(self, tenant_id: str, run: RunRef) -> None:
        swings = await self._store.swings(tenant_id, run)
        if sum(swing.has_swung for swing in swings) < LEAST_SWUNG:
            return
        size = await self._store.size(tenant_id, run.integration_id, swings)
        objection = objection_to(swings, size, self._rules)
        if objection is None:
            return
        held = HeldRun(
            tenant_id=tenant_id,
            integration_id=run.integration_id,
            run_id=run.run_id,
            objection=objection,
            held_at=utc(self._clock()),
        )
        if await self._store.hold(held):
            log.warning("run_held", tenant_id=tenant_id, run_id=run.run_id, objection=objection)

    async def _carry_out(self, held: HeldRun) -> None:
        if held.state is HoldState.REJECTED:
            while await self._manifests.fall_back(held.tenant_id, held.integration_id, held.run_id):
                pass
        await self._board.report(
            RunStatus(
                tenant_id=held.tenant_id,
                integration_id=held.integration_id,
                run_id=held.run_id,
                sync_id="",
                phase=held.state.value,
            )
        )
        await self._store.finish(held)
