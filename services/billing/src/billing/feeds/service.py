"""Judges runs by what they change, holds those that are not believed, and lets people end a hold."""

# Invariant: what a held run says counts nowhere until a person has released it. A run is judged whenever
# manifests of it are about to count, and what it came to is stored in the very transaction by which they do:
# there is no moment at which its numbers count and it is not judged. Two judges of one run do not both
# store: the second finds that the record has moved on, and judges again.
#
#   acme of r9 is about to count → r9 is judged by all that it has changed → hold and manifest are stored
#   a person rejects r9 → its accounts fall back, 100 at a time → done
#   r10 has read every account of r9 again → nothing rests on r9: its hold is over
#
# The status channel shows holds by itself, from what is stored: it may be away for as long as it likes.

from collections import defaultdict
from collections.abc import Awaitable, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog

from billing.feeds.models import (
    FeedRules,
    HeldRun,
    HoldState,
    JudgedRun,
    LineSwing,
    RunRecord,
    RunRef,
    may_be_unlikely,
    objection_to,
)
from billing.feeds.ports import FeedStore, FormerManifests, HoldBoard, RunEffects
from billing.usage.manifest import AppliedManifest
from billing.usage.ref import Ref
from shared.contracts.base import utc
from shared.errors import TransientError
from shared.run_hold import SHOWN_HOLDS, RunHold
from shared.runtime.attempt import attempt
from shared.runtime.clock import Clock, utc_now

log = structlog.get_logger()

_UNJUDGED = "what it changes could not be worked out, for an error of ours: see billing's log"
"""Why a run is held that nothing is known against: nothing is known for it either."""
_SHOWN_FOR = timedelta(minutes=1)
"""So long the end of a hold is shown again and again: another replica may just be showing the hold."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the runs of some manifests came to (see `RunJudgement`)."""

    doubted: Collection[tuple[str, str]]
    """The runs that nobody believed before."""
    tenant_id: str
    runs: tuple[JudgedRun, ...]
    keeper: FeedStore

    async def store(self, session: Any) -> None:
        """Stores it in the transaction in which the manifests begin to count."""
        await self.keeper.store_judged(self.tenant_id, self.runs, session)

    def tell(self) -> None:
        """Tells people who look of the runs that are held by it, once it is committed."""
        self.keeper.tell(self.tenant_id, self.runs)


class FeedBreaker:
    """Holds runs, and carries out what people decide on them."""

    def __init__(
        self,
        store: FeedStore,
        effects: RunEffects,
        manifests: FormerManifests,
        *,
        board: HoldBoard,
        rules: FeedRules,
        clock: Clock = utc_now,
    ) -> None:
        self._store, self._effects, self._manifests = store, effects, manifests
        self._board, self._rules, self._clock = board, rules, clock

    async def rejected(self, tenant_id: str) -> Collection[RunRef]:
        """Returns the runs whose manifests count no more, those that are still on their way too."""
        return await self._store.rejected(tenant_id)

    async def doubted(self, tenant_id: str) -> Collection[tuple[str, str]]:
        """Returns the runs whose numbers do not count: those that are held, and those that were rejected."""
        return await self._store.doubted(tenant_id)

    async def judge(
        self,
        tenant_id: str,
        manifests: Mapping[Ref, AppliedManifest],
        doubted: Collection[tuple[str, str]],
    ) -> Judgement:
        """Judges the runs of manifests that are about to count, by all that each has changed so far.

        A run that cannot be judged is held: that others count must not hang on it. Raises `TransientError`.
        """
        by_run: defaultdict[RunRef, dict[Ref, AppliedManifest]] = defaultdict(dict)
        for account, manifest in manifests.items():
            by_run[RunRef(account.integration_id, manifest.run_id)][account] = manifest
        judged = []
        for run, of_run in by_run.items():
            outcome = await attempt(self._judge(tenant_id, run, of_run, doubted))
            if isinstance(outcome, TransientError):
                raise outcome
            if isinstance(outcome, Exception):
                log.error("run_not_judged", tenant_id=tenant_id, run_id=run.run_id, exc_info=outcome)
                outcome = await self._unjudged(tenant_id, run)
            judged.append(outcome)
        return Judgement(doubted, tenant_id, tuple(one for one in judged if one.is_news), self._store)

    async def step(self) -> bool:
        """Lets the accounts of rejected runs fall back, and ends holds on whose run nothing rests any more.

        What fails for one run holds up no other; the first error is raised at the end.
        """
        failures: list[Exception] = []
        for held in await self._store.falling_back():
            await self._try(self._fall_back(held), held, failures)
        for held in await self._store.held():
            await self._try(self._store.overtake(held, utc(self._clock())), held, failures)
        if failures:
            raise failures[0]
        return False

    async def show(self) -> bool:
        """Tells the status channel which runs are held, also after Redis has forgotten it."""
        holds: defaultdict[tuple[str, str], list[RunHold]] = defaultdict(list)
        for held in await self._store.held():
            shown = RunHold(run_id=held.run_id, objection=held.objection, held_at=held.held_at)
            holds[held.tenant_id, held.integration_id].append(shown)
        ended = await self._store.unshown()
        for held in ended:
            holds.setdefault((held.tenant_id, held.integration_id), [])
        for (tenant_id, integration_id), of_one in holds.items():
            newest = sorted(of_one, key=lambda hold: hold.held_at, reverse=True)[:SHOWN_HOLDS]
            await self._board.show_holds(tenant_id, integration_id, newest)
        for held in ended:
            if held.resolved_at and utc(self._clock()) - held.resolved_at > _SHOWN_FOR:
                await self._store.note_shown(held)
        return False

    async def resolve(
        self, tenant_id: str, run: RunRef, state: HoldState, *, by: str, reason: str
    ) -> HeldRun:
        """Releases or rejects a held run; raises `NotFound` and `Conflict` as `FeedStore.resolve` does."""
        at = utc(self._clock())
        held = await self._store.resolve(tenant_id, run, state, by=by, reason=reason, at=at)
        log.info("run_resolved", tenant_id=tenant_id, run_id=run.run_id, state=state)
        return held

    async def _judge(
        self,
        tenant_id: str,
        run: RunRef,
        manifests: Mapping[Ref, AppliedManifest],
        doubted: Collection[tuple[str, str]],
    ) -> JudgedRun:
        record = await self._store.record_of(tenant_id, run)
        if record.is_decided:
            return JudgedRun(record, {})
        so_far = await self._store.swings(tenant_id, run)
        compared = await self._effects.swings(tenant_id, run, manifests, doubted)
        swings = {**so_far, **compared}
        news = {
            line_id: swing if swing.differs else None
            for line_id, swing in compared.items()
            if swing != so_far.get(line_id) and (swing.differs or line_id in so_far)
        }
        objection = await self._objection(tenant_id, run, swings.values())
        return JudgedRun(record, news, self._held(tenant_id, run, objection) if objection else None)

    async def _objection(self, tenant_id: str, run: RunRef, swings: Collection[LineSwing]) -> str | None:
        if not may_be_unlikely(swings, self._rules):
            return None
        size = await self._store.size(tenant_id, run.integration_id, swings)
        if not objection_to(swings, size, self._rules):
            return None
        # Not all that there is may be stored: lines that wait to be calculated count as well.
        counted = {swing.line_id for swing in swings}
        size += await self._effects.uncounted(tenant_id, run.integration_id, counted)
        return objection_to(swings, size, self._rules)

    async def _unjudged(self, tenant_id: str, run: RunRef) -> JudgedRun:
        """The hold of a run that could not be judged, whatever is stored of it."""
        outcome = await attempt(self._store.record_of(tenant_id, run))
        if isinstance(outcome, TransientError):
            raise outcome
        record = RunRecord(run, readable=False) if isinstance(outcome, Exception) else outcome
        return JudgedRun(record, {}, self._held(tenant_id, run, _UNJUDGED))

    def _held(self, tenant_id: str, run: RunRef, objection: str) -> HeldRun:
        log.warning("run_held", tenant_id=tenant_id, run_id=run.run_id, objection=objection)
        return HeldRun(
            tenant_id=tenant_id,
            integration_id=run.integration_id,
            run_id=run.run_id,
            objection=objection,
            held_at=utc(self._clock()),
        )

    async def _fall_back(self, held: HeldRun) -> None:
        while await self._manifests.fall_back(held.tenant_id, held.integration_id, held.run_id):
            pass
        await self._store.note_fallen_back(held)

    async def _try(self, call: Awaitable[object], held: HeldRun, failures: list[Exception]) -> None:
        outcome = await attempt(call)
        if isinstance(outcome, Exception):
            failures.append(outcome)
            log.error("hold_not_carried_out", tenant_id=held.tenant_id, run_id=held.run_id, exc_info=outcome)
