"""What the use cases of plans and versions need of a store."""

from collections.abc import AsyncGenerator, Callable, Collection, Coroutine, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar

from matcher.catalogue.items import IntegrationInfo, Item, ItemKind
from matcher.mapping_plans.models import APPLICABLE, MappingPlan, PlanRow, RowOutcome
from matcher.mapping_plans.version_models import MappingVersion
from matcher.mappings.models import PsaItemRef, Reservation
from matcher.mappings.ports import DecisionUnit
from matcher.mappings.search import MappingQuery
from shared.contracts.matcher import MappingDecided, ReplacedDecision

T = TypeVar("T")

Pages = AsyncGenerator[list[MappingDecided], None]
"""Some hundred mappings at a time; whoever stops early closes it (`aclosing`)."""


class PlanReader(Protocol):
    """One tenant's items and mappings, read outside a unit of work: what is read may be a moment old."""

    tenant_id: str

    async def integrations(self) -> dict[str, IntegrationInfo]: ...

    async def items(self, kind: ItemKind, keys: Collection[str]) -> list[Item]: ...

    async def items_called(self, kind: ItemKind, field: str, values: Collection[str]) -> list[Item]:
        """Returns the present items whose `name` or `code` is one of the values, as it is written."""
        ...

    async def usable_items(self, kind: ItemKind, integration_id: str) -> list[Item]: ...

    async def mappings(self, keys: Collection[str]) -> dict[str, MappingDecided]: ...

    def stream(self, query: MappingQuery) -> Pages:
        """Yields the mappings that match in the order of their keys."""
        ...

    def changed_since(self, cut: int, after: str | None = None) -> Pages:
        """Yields the mappings with a larger revision in the order of their keys, behind the key `after`."""
        ...

    def mapped_to(self, provider: str, realm: str) -> Pages:
        """Yields the approved mappings to items of a PSA in the order of their keys."""
        ...

    async def former_targets(
        self, keys: Collection[str], integration_id: str
    ) -> dict[str, tuple[PsaItemRef, datetime]]:
        """Returns to which item of that PSA each was mapped last, and when; none for one that never was."""
        ...

    async def states_at(
        self, mappings: Sequence[MappingDecided], cut: int
    ) -> dict[str, ReplacedDecision | None]:
        """Returns what stood on each by revisions up to `cut`, by key; None where that was not kept."""
        ...

    async def reservation(self) -> Reservation | None: ...


class PlanDrafts(Protocol):
    """Where a plan is put together; it is there for others once `publish` has stored it."""

    def reader(self, tenant_id: str) -> PlanReader: ...

    async def add_rows(self, tenant_id: str, plan_id: str, rows: Sequence[PlanRow], at: datetime) -> None: ...

    async def rows_numbered(
        self, tenant_id: str, plan_id: str, numbers: Collection[int]
    ) -> list[PlanRow]: ...

    async def replace_rows(
        self, tenant_id: str, plan_id: str, rows: Sequence[PlanRow], at: datetime
    ) -> None: ...

    async def publish(self, plan: MappingPlan) -> None: ...


class PlanUnit(DecisionUnit, Protocol):
    """What applying a plan reads and writes, alone for its tenant; all of it is stored, or nothing."""

    async def plan(self, plan_id: str) -> MappingPlan | None: ...

    async def store_plan(self, plan: MappingPlan) -> None: ...

    async def rows(
        self, plan_id: str, after: int, limit: int, outcomes: Collection[RowOutcome] = APPLICABLE
    ) -> list[PlanRow]:
        """Returns the rows with these outcomes behind the number `after`, in order."""
        ...

    async def reservation(self) -> Reservation | None: ...

    async def reserve(self, reservation: Reservation) -> None:
        """Keeps the tenant's mappings for a plan; this unit of work may decide all the same."""
        ...

    async def work_for(self, plan_id: str) -> None:
        """Makes this unit of work one of the plan's, for which the mappings may be reserved."""
        ...

    async def release(self) -> None:
        """Lets everybody decide again."""
        ...

    async def newest_revision(self) -> int:
        """Returns the largest revision of the tenant's mappings; 0 without any."""
        ...

    async def add_version(self, version: MappingVersion) -> None: ...


class PlanStore(Protocol):
    """Opens units of work for plans."""

    async def run(self, tenant_id: str, work: Callable[[PlanUnit], Coroutine[Any, Any, T]]) -> T:
        """Runs `work` alone for this tenant; it may run again, so it must touch its unit of work only."""
        ...

    async def begun(self) -> list[tuple[str, str]]:
        """Returns tenant and id of each plan that is being applied."""
        ...
