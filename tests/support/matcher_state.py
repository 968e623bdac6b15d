"""One tenant's rows as matcher's stores in memory hold them."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from catalogue_builders import NOW

from matcher.catalogue.inventory import Inventory
from matcher.catalogue.items import IntegrationInfo, Item, ItemKind, Labels
from matcher.finishing.models import FinishRecord
from matcher.mappings.models import DecisionRecord, MatchingSettings
from shared.contracts.base import Message
from shared.contracts.matcher import MappingDecided, MappingDecision, MappingKind, MappingsProposed
from shared.mapping_counts import KindCounts
from shared.work_queue import WorkItem


@dataclass
class TenantState:
    """One tenant's rows."""

    items: dict[tuple[ItemKind, str], Item] = field(default_factory=dict)
    integrations: dict[str, IntegrationInfo] = field(default_factory=dict)
    work: list[WorkItem] = field(default_factory=list)
    inventories: dict[str, Inventory] = field(default_factory=dict)
    undecided: dict[tuple[ItemKind, str], None] = field(default_factory=dict)
    labels: dict[tuple[ItemKind, str], Labels] = field(default_factory=dict)
    mappings: dict[str, MappingDecided] = field(default_factory=dict)
    finishes: dict[str, FinishRecord] = field(default_factory=dict)
    history: list[MappingDecided] = field(default_factory=list)
    records: dict[str, DecisionRecord] = field(default_factory=dict)
    proposals: dict[str, MappingsProposed] = field(default_factory=dict)
    marks: list[WorkItem] = field(default_factory=list)
    """Kinds whose proposals must be computed anew."""
    passes: dict[MappingKind, int] = field(default_factory=dict)
    counts: dict[MappingKind, dict[str, KindCounts]] = field(default_factory=dict)
    """What the newest pass counted, by marketplace."""
    settings: MatchingSettings = field(default_factory=MatchingSettings)
    published: list[Message] = field(default_factory=list)
    work_items: int = 0
    """How many were ever enqueued."""

    def copy(self) -> "TenantState":
        return TenantState(**{name: _copy(getattr(self, name)) for name in self.__dataclass_fields__})

    def enqueue(self, lane: str, keys: Iterable[str]) -> None:
        if ordered := tuple(sorted(keys)):
            self.work_items += 1
            self.work.append(WorkItem(f"{self.work_items:06}", "", lane, ordered, NOW))

    def mark(self, kinds: Iterable[MappingKind]) -> None:
        for kind in sorted(kinds):
            self.work_items += 1
            self.marks.append(WorkItem(f"{self.work_items:06}", "", kind, (kind,), NOW))

    def items_of(self, kind: ItemKind) -> list[Item]:
        return [item for (item_kind, _), item in self.items.items() if item_kind is kind]

    def items_in(self, inventory: Inventory) -> list[Item]:
        of_kind = self.items_of(inventory.kind)
        return [item for item in of_kind if item.integration_id == inventory.integration_id]

    def is_outdated(self, inventory: Inventory) -> bool:
        newest = inventory.stated.newest_revision
        return any(item.revision > newest for item in self.items_in(inventory))

    def mappings_with(self, decisions: Collection[MappingDecision]) -> list[MappingDecided]:
        return [mapping for mapping in self.mappings.values() if mapping.decision in decisions]


def _copy(value: Any) -> Any:
    return value.copy() if isinstance(value, dict | list) else value
