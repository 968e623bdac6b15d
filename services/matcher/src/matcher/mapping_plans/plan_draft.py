"""Puts a plan together row by row: its numbers, its digest, and which rows contradict each other."""

# Invariant: a vendor item has at most one row that can be applied. Of two that say the same the later one is
# an error, of two that differ both are, for nobody knows which was meant. Rows are stored as they come; the
# plan itself is stored last, so that one that was cut off is never seen, and goes with its rows' time:
#
#   row 2 "1 → 9"   row 5 "1 → 9"   row 5: error      row 2 "1 → 9"   row 5 "1 → 8"   rows 2 and 5: errors

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from matcher.mapping_plans.models import (
    MappingPlan,
    PlanCounts,
    PlanRow,
    PlanSource,
    RowOutcome,
    digest_number,
    digest_text,
)
from matcher.mapping_plans.ports import PlanDrafts, PlanReader
from shared.contracts.matcher import MappingKind


@dataclass(frozen=True, slots=True)
class PlanOrder:
    """Who wants a plan, of what, and when."""

    tenant_id: str
    plan_id: str
    source: PlanSource
    title: str
    by: str
    at: datetime


class PlanDraft:
    """A plan that is being made; what it holds in memory of a row is a number and a digest."""

    def __init__(self, drafts: PlanDrafts, order: PlanOrder) -> None:
        self._drafts, self._order = drafts, order
        self._seen: dict[bytes, tuple[int, bytes]] = {}
        """By a digest of the mapping's key: the row, and a digest of what it wants."""
        self._contradicted: dict[int, int] = {}
        """By the number of the first row of a vendor item, that of a later one that differs."""
        self._counts: Counter[tuple[MappingKind | None, RowOutcome]] = Counter()
        self._total = 0
        self.rows = 0

    @property
    def reader(self) -> PlanReader:
        return self._drafts.reader(self._order.tenant_id)

    def names(self, key: str) -> bool:
        """Whether a row is about the mapping with this key."""
        return _short(key) in self._seen

    async def add(self, rows: Sequence[PlanRow]) -> None:
        """Stores further rows."""
        checked = [self._checked(row) for row in rows]
        for row in checked:
            self._count(row, 1)
        self.rows += len(checked)
        await self._drafts.add_rows(self._order.tenant_id, self._order.plan_id, checked, self._order.at)

    async def publish(self, *, is_complete: bool = False) -> MappingPlan:
        """Stores the plan, which is there for everybody of the tenant then."""
        order = self._order
        if self._contradicted:
            numbers = list(self._contradicted)
            first_rows = await self._drafts.rows_numbered(order.tenant_id, order.plan_id, numbers)
            contradicted = [self._contradict(row) for row in first_rows]
            await self._drafts.replace_rows(order.tenant_id, order.plan_id, contradicted, order.at)
        by_kind: dict[MappingKind | None, dict[RowOutcome, int]] = {}
        for (kind, outcome), count in sorted(self._counts.items(), key=str):
            if count:
                by_kind.setdefault(kind, {})[outcome] = count
        plan = MappingPlan(
            id=order.plan_id,
            tenant_id=order.tenant_id,
            source=order.source,
            title=order.title,
            created_by=order.by,
            created_at=order.at,
            digest=digest_text(self._total),
            counts=PlanCounts(by_kind),
            is_complete=is_complete,
        )
        await self._drafts.publish(plan)
        return plan

    def _checked(self, row: PlanRow) -> PlanRow:
        if row.key is None or row.outcome is RowOutcome.OPEN:
            return row
        wanted = _short(repr(row.wanted))
        first, first_wanted = self._seen.setdefault(_short(row.key), (row.number, wanted))
        if first == row.number:
            return row
        sentence = f"row {first} decides on {row.kind} {row.vendor_id} already"
        if wanted != first_wanted:
            self._contradicted.setdefault(first, row.number)
            return replace(row, outcome=RowOutcome.ERROR, sentence=f"{sentence}, and differently: keep one")
        return replace(row, outcome=RowOutcome.ERROR, sentence=f"{sentence}: leave one of them out")

    def _contradict(self, row: PlanRow) -> PlanRow:
        self._count(row, -1)
        later = self._contradicted[row.number]
        sentence = f"row {later} decides on {row.kind} {row.vendor_id} as well, and differently: keep one"
        contradicted = replace(row, outcome=RowOutcome.ERROR, sentence=sentence)
        self._count(contradicted, 1)
        return contradicted

    def _count(self, row: PlanRow, times: int) -> None:
        self._counts[row.kind, row.outcome] += times
        self._total += times * digest_number(row)


def _short(text: str) -> bytes:
    return sha256(text.encode()).digest()[:12]
