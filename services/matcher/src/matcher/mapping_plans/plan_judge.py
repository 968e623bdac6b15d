"""Judges every row of a plan before the first is decided."""

# Invariant: a plan is applied on the ground that it shows, or not at all. Rules of services are judged by
# what stands before the plan, as a single decision is: so a bundle and its source cannot be moved by one
# plan, and the rows that are in the way are named.

from datetime import datetime

from matcher.mapping_plans.ground import PlanGround, load_ground
from matcher.mapping_plans.models import ROWS_AT_ONCE, ApplyRequest, MappingPlan, PlanOutdated, PlanRow
from matcher.mapping_plans.ports import PlanUnit
from matcher.mappings.rules_judge import RulesJudge
from shared.contracts.matcher import MappingKind
from shared.errors import RuleBroken

_SHOWN_FAULTS = 100


class PlanJudge:
    """Judges for one request to apply a plan."""

    def __init__(self, unit: PlanUnit, request: ApplyRequest, at: datetime) -> None:
        self._unit, self._request, self._at = unit, request, at

    async def count(self, plan: MappingPlan) -> int:
        """Returns how many rows the request applies; raises `PlanOutdated` if one cannot be decided now."""
        excepted, after, wanted_count, fault_count = set(self._request.except_rows), 0, 0, 0
        shown: list[tuple[int, str]] = []
        while rows := await self._unit.rows(plan.id, after, ROWS_AT_ONCE):
            after = rows[-1].number
            wanted = [row for row in rows if row.number not in excepted]
            wanted_count += len(wanted)
            ground = await load_ground(self._unit, plan.tenant_id, wanted)
            faults = [(row.number, fault) for row in wanted if (fault := await self._fault(ground, row))]
            fault_count += len(faults)
            shown += faults[: _SHOWN_FAULTS - len(shown)]
        if fault_count:
            raise PlanOutdated(shown, fault_count)
        return wanted_count

    async def _fault(self, ground: PlanGround, row: PlanRow) -> str | None:
        """Returns why the row cannot be decided, in a sentence; None when it can."""
        if fault := ground.fault(row):
            return fault
        vendor = ground.integrations.get(row.vendor_integration_id or "")
        mapping = ground.decision(row, self._request.by, self._at)
        if vendor is None or mapping is None or mapping.kind is not MappingKind.SERVICE:
            return None
        try:
            judge = RulesJudge(self._unit, vendor, ground.mappings.get(row.key or ""))
            await judge.require(mapping, ground.match(row))
        except RuleBroken as broken:
            return str(broken)
        return None
