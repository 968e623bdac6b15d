"""Applies a plan: all of its rows, or none."""

# Invariant: every row is judged before the first is decided, in the same transaction that begins. From then
# on nobody else decides for the tenant (`Reservation`), so what was judged stays true, and the rest follows
# part by part, whoever is killed:
#
#   check 1,200 rows · reserve · 500 rows   killed   500 rows   killed   200 rows · release
#   check 300 rows · 300 rows                      one transaction: nobody ever sees a part of it
#
# `through`, the number of the last row that is done, moves in the transaction of its decisions: no row is
# decided twice. Only a restored database can hold another decision by then; that stays, and is told.

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

import structlog

from matcher.catalogue.items import VENDOR_KINDS
from matcher.mapping_plans.ground import load_ground, same_as_wanted
from matcher.mapping_plans.models import (
    ROWS_AT_ONCE,
    ApplyRequest,
    MappingPlan,
    PlanApplication,
    PlanRefused,
    PlanRow,
    PlanState,
    RowOutcome,
)
from matcher.mapping_plans.plan_judge import PlanJudge
from matcher.mapping_plans.ports import PlanStore, PlanUnit
from matcher.mapping_plans.version_models import MappingVersion, VersionOrigin, cut_at, moment_after
from matcher.mappings.models import MappingsReserved, Reservation
from shared.contracts.base import key_of
from shared.contracts.matcher import MappingDecided, MappingMethod
from shared.errors import NotFound, TransientError
from shared.runtime.attempt import attempt
from shared.runtime.backoff import Backoff
from shared.runtime.clock import Clock

log = structlog.get_logger()


class PlanApplier:
    """Begins to apply plans as people ask for it, and goes on with those that are begun."""

    def __init__(self, store: PlanStore, clock: Clock, new_id: Callable[[], str]) -> None:
        self._store, self._clock, self._new_id = store, clock, new_id
        self._backoff = Backoff[str](clock)

    async def apply(self, request: ApplyRequest) -> MappingPlan:
        """Returns the plan as it is then, applied or being applied; the same key decides nothing twice.

        Raises `NotFound`, and `PlanRefused` (`PlanOutdated` with the rows) when nothing was applied.
        """
        return await self._store.run(request.tenant_id, partial(self._begin, request=request))

    async def process_next(self) -> bool:
        """Decides a part of each plan that is begun; returns whether there was one, and may be more.

        Raises `TransientError` when the store is away.
        """
        begun = await self._store.begun()
        due = [(tenant_id, plan_id) for tenant_id, plan_id in begun if self._backoff.ready(plan_id)]
        for tenant_id, plan_id in due:
            outcome = await attempt(self._store.run(tenant_id, partial(self._go_on, plan_id=plan_id)))
            if isinstance(outcome, TransientError):
                raise outcome
            if isinstance(outcome, Exception):  # a bug, which must not hold up the other tenants
                self._backoff.failed(plan_id)
                log.error("plan_set_aside", tenant_id=tenant_id, plan_id=plan_id, exc_info=outcome)
        return bool(due)

    async def _begin(self, unit: PlanUnit, *, request: ApplyRequest) -> MappingPlan:
        plan = await unit.plan(request.plan_id)
        if plan is None:
            raise NotFound(f"there is no plan {request.plan_id}: make it anew")
        if plan.application:
            return _repeated(plan, plan.application, request)
        _require_as_seen(plan, request)
        if reservation := await unit.reservation():
            raise MappingsReserved(reservation)
        await unit.work_for(plan.id)
        rows = await PlanJudge(unit, request, self._clock()).count(plan)
        if rows != request.expected_count:
            raise PlanRefused(
                f"the plan changes {rows:,} mappings, and {request.expected_count:,} were expected: look"
                " at it again, the rows that are left out do not count"
            )
        at, cut = self._clock(), cut_at(self._clock(), await unit.newest_revision())
        application = PlanApplication(
            by=request.by,
            idempotency_key=request.idempotency_key,
            fingerprint=request.fingerprint,
            begun_at=at,
            cut=cut,
            rows=rows,
            except_rows=frozenset(request.except_rows),
        )
        await unit.add_version(self._version(plan, VersionOrigin.BEFORE_PLAN, application, cut))
        begun = replace(plan, state=PlanState.APPLYING, application=application)
        if plan.counts.applicable <= ROWS_AT_ONCE:
            return await self._decide_part(unit, begun)
        await unit.reserve(Reservation(plan.id, request.by, rows, at))
        await unit.store_plan(begun)  # the job decides, and the request is answered at once
        return begun

    async def _go_on(self, unit: PlanUnit, *, plan_id: str) -> None:
        plan = await unit.plan(plan_id)
        if plan is None or plan.state is not PlanState.APPLYING:
            return  # another replica was quicker
        await unit.work_for(plan_id)
        await self._decide_part(unit, plan)

    async def _decide_part(self, unit: PlanUnit, plan: MappingPlan) -> MappingPlan:
        """Decides the next rows; with the last of them the plan is applied, and everybody decides again."""
        application = _application(plan)
        found = await unit.rows(plan.id, application.through, ROWS_AT_ONCE + 1)
        rows = found[:ROWS_AT_ONCE]
        wanted = [row for row in rows if row.number not in application.except_rows]
        at = moment_after(application.cut, self._clock())
        decided, overtaken = await _decide_rows(unit, plan, wanted, at)
        application = replace(
            application,
            through=rows[-1].number if rows else application.through,
            decided=application.decided + decided,
            overtaken=(*application.overtaken, *overtaken),
        )
        plan = replace(plan, application=application)
        if len(found) <= ROWS_AT_ONCE:
            plan = await self._finish(unit, plan, application, at)
        await unit.store_plan(plan)
        return plan

    async def _finish(
        self, unit: PlanUnit, plan: MappingPlan, application: PlanApplication, at: datetime
    ) -> MappingPlan:
        await unit.release()
        cut = cut_at(at, await unit.newest_revision())
        await unit.add_version(self._version(plan, VersionOrigin.AFTER_PLAN, application, cut))
        log.info("plan_applied", tenant_id=plan.tenant_id, plan_id=plan.id, decided=application.decided)
        return replace(plan, state=PlanState.APPLIED, application=replace(application, finished_at=at))

    def _version(
        self, plan: MappingPlan, origin: VersionOrigin, application: PlanApplication, cut: int
    ) -> MappingVersion:
        when = "before" if origin is VersionOrigin.BEFORE_PLAN else "after"
        return MappingVersion(
            id=self._new_id(),
            tenant_id=plan.tenant_id,
            name=f"{when}: {plan.title}",
            origin=origin,
            cut=cut,
            at=self._clock(),
            by=application.by,
            plan_id=plan.id,
        )


async def _decide_rows(
    unit: PlanUnit, plan: MappingPlan, rows: Sequence[PlanRow], at: datetime
) -> tuple[int, list[int]]:
    """Returns how many rows are decided, and which are not.

    Those are rows on which a restored database holds another decision, or whose item was erased meanwhile.
    """
    ground = await load_ground(unit, plan.tenant_id, rows)
    by, decided, overtaken, done = _application(plan).by, list[MappingDecided](), list[int](), 0
    free: dict[str, list[str]] = {}
    for row in rows:
        stands = ground.mappings.get(row.key or "")
        if (stands.revision if stands else 0) != row.standing_revision:
            if stands and row.wanted and same_as_wanted(stands, row.wanted):
                done += 1
            else:
                overtaken.append(row.number)
            continue
        mapping = ground.decision(row, by, at)
        if mapping is None:
            overtaken.append(row.number)
            continue
        decided.append(mapping)
        if mapping.method is MappingMethod.EXACT:  # the rule may find by now that it is ambiguous, or free
            item = key_of(plan.tenant_id, mapping.vendor_integration_id, mapping.vendor_id)
            free.setdefault(VENDOR_KINDS[mapping.kind], []).append(item)
    await unit.record_mappings(decided, existing=ground.mappings)
    for lane, keys in free.items():
        await unit.enqueue(lane, keys)
    return done + len(decided), overtaken


def _require_as_seen(plan: MappingPlan, request: ApplyRequest) -> None:
    if plan.digest != request.digest:
        raise PlanRefused(
            f"plan {plan.id} has the digest {plan.digest}, not the one that was sent: look again"
        )
    errors = plan.counts.by_outcome[RowOutcome.ERROR]
    if errors and not request.skip_errors:
        raise PlanRefused(
            f"{errors:,} rows of the plan are in error, and nothing was applied: correct them, or send"
            " `skip_errors` to apply the others"
        )
    if errors and plan.is_complete:
        raise PlanRefused(
            f"{errors:,} rows are in error, and the plan revokes what no row names, which they may: correct"
            " them, or make the plan without `complete`"
        )


def _repeated(plan: MappingPlan, application: PlanApplication, request: ApplyRequest) -> MappingPlan:
    same_key = (application.by, application.idempotency_key) == (request.by, request.idempotency_key)
    if same_key and application.fingerprint == request.fingerprint:
        return plan
    if same_key:
        raise PlanRefused(
            f"the idempotency key {request.idempotency_key} belongs to another request: send a new one"
        )
    begun = application.begun_at.isoformat()
    raise PlanRefused(
        f"plan {plan.id} is {plan.state} since {begun} by {application.by}: nothing is left to do"
    )


def _application(plan: MappingPlan) -> PlanApplication:
    if plan.application is None:
        raise LookupError(f"plan {plan.id} is not being applied")
    return plan.application
