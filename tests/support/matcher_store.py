"""Matcher's store in memory: the same promises as the real one, for tests of the verbs."""

from collections import Counter
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from matcher.catalogue.items import IntegrationInfo, Item, ItemKind, Labels, MatchWork, part_number
from matcher.mappings.ports import FinishRecord, UnitOfWork
from shared.contracts.base import Message
from shared.contracts.matcher import MappingDecided, MappingDecision, MappingKind

T = TypeVar("T")


@dataclass
class Memory:
    """One tenant's rows."""

    items: dict[tuple[ItemKind, str], Item] = field(default_factory=dict)
    connections: dict[str, IntegrationInfo] = field(default_factory=dict)
    waiting: dict[str, MatchWork] = field(default_factory=dict)
    compared: dict[tuple[ItemKind, str], Labels] = field(default_factory=dict)
    decided: dict[str, MappingDecided] = field(default_factory=dict)
    finishes: dict[str, FinishRecord] = field(default_factory=dict)
    said: list[Message] = field(default_factory=list)
    numbered: int = 0

    def copy(self) -> "Memory":
        return Memory(**{name: _copied(getattr(self, name)) for name in self.__dataclass_fields__})

    def add_marks(self, marks: Sequence[MatchWork]) -> None:
        for mark in marks:
            self.numbered += 1
            self.waiting[f"{self.numbered:06}"] = replace(mark, id=f"{self.numbered:06}")


class MemoryStore:
    """A `Store` whose turns work on a copy, which replaces the state only when all went well."""

    def __init__(self) -> None:
        self.tenants: dict[str, Memory] = {}

    def of(self, tenant_id: str = "demo") -> Memory:
        return self.tenants.setdefault(tenant_id, Memory())

    async def forward(self, items: Sequence[Item]) -> None:
        for item in items:
            rows, place = self.of(item.tenant_id).items, (item.shelf, item.key)
            if place not in rows or rows[place].revision < item.revision:
                rows[place] = item

    async def forward_integrations(self, integrations: Sequence[IntegrationInfo]) -> None:
        for one in integrations:
            rows = self.of(one.tenant_id).connections
            if one.integration_id not in rows or rows[one.integration_id].revision < one.revision:
                rows[one.integration_id] = one

    async def add_marks(self, tenant_id: str, marks: Sequence[MatchWork]) -> None:
        self.of(tenant_id).add_marks(marks)

    async def waiting(self) -> list[str]:
        return [tenant_id for tenant_id, memory in self.tenants.items() if memory.waiting]

    async def turn(self, tenant_id: str, work: Callable[[UnitOfWork], Coroutine[Any, Any, T]]) -> T:
        draft = self.of(tenant_id).copy()
        result = await work(MemoryTurn(draft))
        self.tenants[tenant_id] = draft
        return result


class MemoryTurn:
    """A `UnitOfWork` on a draft."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    async def marks(self, *, limit: int) -> list[MatchWork]:
        return [mark for _, mark in sorted(self._memory.waiting.items())][:limit]

    async def add_marks(self, marks: Sequence[MatchWork]) -> None:
        self._memory.add_marks(marks)

    async def remove_marks(self, marks: Sequence[MatchWork]) -> None:
        for mark in marks:
            del self._memory.waiting[mark.id]

    async def keys_of(self, shelf: ItemKind, integration_id: str) -> list[str]:
        return [item.key for item in self._on(shelf) if item.integration_id == integration_id]

    async def items(self, shelf: ItemKind, keys: Collection[str]) -> list[Item]:
        return [item for item in self._on(shelf) if item.key in keys]

    async def called(self, shelf: ItemKind, labels: Labels) -> list[Item]:
        return [i for i in self._on(shelf) if i.name in labels.names or part_number(i) in labels.codes]

    async def former_labels(self, shelf: ItemKind, keys: Collection[str]) -> dict[str, Labels]:
        known = self._memory.compared
        return {key: known[shelf, key] for key in keys if (shelf, key) in known}

    async def remember_labels(
        self, shelf: ItemKind, fresh: Mapping[str, Labels], renamed: Mapping[str, Labels]
    ) -> None:
        self._memory.compared |= {(shelf, key): one for key, one in (*fresh.items(), *renamed.items())}

    async def integrations(self) -> dict[str, IntegrationInfo]:
        return dict(self._memory.connections)

    async def finished(self) -> frozenset[str]:
        return frozenset(one.event.vendor_integration_id for one in self._memory.finishes.values())

    async def mappings(self, keys: Collection[str]) -> dict[str, MappingDecided]:
        return {key: self._memory.decided[key] for key in keys if key in self._memory.decided}

    async def record(self, mappings: Sequence[MappingDecided]) -> None:
        self._memory.decided |= {mapping.key: mapping for mapping in mappings}
        self._memory.said += mappings

    async def approved(self, vendor_integration_id: str, psa_integration_id: str) -> dict[MappingKind, int]:
        between = (vendor_integration_id, psa_integration_id)
        found = self._standing(MappingDecision.APPROVED)
        return Counter(m.kind for m in found if (m.vendor_integration_id, m.psa_integration_id) == between)

    async def excluded(self, vendor_integration_id: str) -> dict[MappingKind, int]:
        found = self._standing(MappingDecision.EXCLUDED)
        return Counter(m.kind for m in found if m.vendor_integration_id == vendor_integration_id)

    async def finish(self, finish_id: str) -> FinishRecord | None:
        return self._memory.finishes.get(finish_id)

    async def record_finish(self, finish: FinishRecord) -> None:
        self._memory.finishes[finish.id] = finish
        self._memory.said.append(finish.event)

    def _on(self, shelf: ItemKind) -> list[Item]:
        return [item for (place, _), item in self._memory.items.items() if place is shelf]

    def _standing(self, decision: MappingDecision) -> list[MappingDecided]:
        return [mapping for mapping in self._memory.decided.values() if mapping.decision is decision]


def _copied(value: Any) -> Any:
    return value.copy() if isinstance(value, dict | list) else value
