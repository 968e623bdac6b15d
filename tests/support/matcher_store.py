"""Matcher's stores in memory: the same promises as the real ones, for tests of the use cases."""

from collections import Counter
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from matcher_state import TenantState
from memory_pages import page_in_memory

from matcher.catalogue.inventory import Inventory
from matcher.catalogue.item_order import FoundItems, PageBounds
from matcher.catalogue.items import IntegrationInfo, Item, ItemKind, Labels, normal_name, part_number
from matcher.catalogue.search import ItemQuery, StateFilter
from matcher.finishing.models import FinishRecord
from matcher.mappings.decisions import is_included
from matcher.mappings.models import DecisionRecord, MatchingSettings
from shared.contracts.base import Side
from shared.contracts.matcher import MappingDecided, MappingDecision, MappingKind, MatchingSettingsChanged
from shared.contracts.topic_checksum import ChecksumSum, TopicChecksum
from shared.work_queue import WorkItem

T = TypeVar("T")


class MemoryStore:
    """All of matcher's stores. A unit of work changes a copy, which replaces the state when all went well."""

    def __init__(self) -> None:
        self.tenants: dict[str, TenantState] = {}

    def of(self, tenant_id: str = "demo") -> TenantState:
        return self.tenants.setdefault(tenant_id, TenantState())

    async def store_newer_items(self, items: Sequence[Item]) -> None:
        for item in items:
            rows, row_key = self.of(item.tenant_id).items, (item.kind, item.key)
            stored = rows.get(row_key)
            if stored is None:
                rows[row_key] = item
            elif stored.revision < item.revision:
                rows[row_key] = replace(item, first_seen_at=stored.first_seen_at)

    async def store_newer_integrations(self, integrations: Sequence[IntegrationInfo]) -> None:
        for integration in integrations:
            rows, row_key = self.of(integration.tenant_id).integrations, integration.integration_id
            if row_key not in rows or rows[row_key].revision < integration.revision:
                rows[row_key] = integration

    async def store_newer_inventories(self, inventories: Sequence[Inventory]) -> None:
        for inventory in inventories:
            rows = self.of(inventory.tenant_id).inventories
            if inventory.key not in rows or rows[inventory.key].revision < inventory.revision:
                rows[inventory.key] = inventory

    async def unverified_inventories(self) -> list[Inventory]:
        found = [inventory for state in self.tenants.values() for inventory in state.inventories.values()]
        return [inventory for inventory in found if not inventory.verified]

    async def stored_checksum(self, inventory: Inventory) -> TopicChecksum:
        checksum = ChecksumSum(inventory.stated.topic)
        for item in self.of(inventory.tenant_id).items_in(inventory):
            checksum.add(item.key, item.revision)
        return checksum.result

    async def is_outdated(self, inventory: Inventory) -> bool:
        return self.of(inventory.tenant_id).is_outdated(inventory)

    async def enqueue(self, tenant_id: str, lane: str, keys: Iterable[str]) -> None:
        self.of(tenant_id).enqueue(lane, keys)

    async def page(self, query: ItemQuery, states: StateFilter | None, bounds: PageBounds) -> FoundItems:
        return page_in_memory(self.of(query.tenant_id).items_of(query.kind), query, states, bounds)

    async def names(self, tenant_id: str, kind: ItemKind, keys: Collection[str]) -> dict[str, str]:
        return {item.key: item.name for item in self.of(tenant_id).items_of(kind) if item.key in keys}

    async def mappings_of(self, tenant_id: str, kind: ItemKind, ids: Collection[str]) -> list[MappingDecided]:
        of_kind = [m for m in self.of(tenant_id).mappings.values() if m.kind is kind.mapping_kind]
        return [mapping for mapping in of_kind if _end(mapping, kind.side)[1] in ids]

    async def decided_items(
        self, tenant_id: str, kind: ItemKind, decisions: Collection[MappingDecision]
    ) -> set[tuple[str, str]]:
        decided = self.of(tenant_id).mappings_with(decisions)
        return {_end(mapping, kind.side) for mapping in decided if mapping.kind is kind.mapping_kind}

    async def tenants_with_work(self, now: datetime) -> list[str]:
        del now  # nothing here is ever delayed
        return [tenant_id for tenant_id, state in self.tenants.items() if state.work]

    async def run_unit_of_work(
        self, tenant_id: str, work: Callable[["MemoryUnitOfWork"], Coroutine[Any, Any, T]]
    ) -> T:
        draft = self.of(tenant_id).copy()
        result = await work(MemoryUnitOfWork(draft))
        self.tenants[tenant_id] = draft
        return result

    async def read(self, tenant_id: str, work: Callable[["MemoryUnitOfWork"], Coroutine[Any, Any, T]]) -> T:
        return await work(MemoryUnitOfWork(self.of(tenant_id).copy()))


class MemoryUnitOfWork:
    """Reads and writes a draft of one tenant's state."""

    def __init__(self, draft: TenantState) -> None:
        self._draft = draft

    async def read_due(self, *, limit: int) -> list[WorkItem]:
        return self._draft.work[:limit]

    async def enqueue(self, lane: str, keys: Iterable[str]) -> None:
        self._draft.enqueue(lane, keys)

    async def complete(self, work: Sequence[WorkItem]) -> None:
        self._draft.work = [item for item in self._draft.work if item not in work]
        lanes = {item.lane for item in work}
        self._draft.mark({kind.mapping_kind for kind in ItemKind if lanes & {kind, kind.integration_lane}})

    async def items(self, kind: ItemKind, keys: Collection[str]) -> list[Item]:
        return [item for item in self._draft.items_of(kind) if item.key in keys]

    async def items_labelled(self, kind: ItemKind, labels: Labels) -> list[Item]:
        return [
            item
            for item in self._draft.items_of(kind)
            if item.name in labels.names
            or part_number(item) in labels.codes
            or normal_name(kind, item.name) in labels.normal_names
        ]

    async def keys_of_integration(self, kind: ItemKind, integration_id: str) -> list[str]:
        return [item.key for item in self._draft.items_of(kind) if item.integration_id == integration_id]

    async def integrations(self) -> dict[str, IntegrationInfo]:
        return dict(self._draft.integrations)

    async def settled_integrations(self, kind: ItemKind) -> frozenset[str]:
        return frozenset(
            inventory.integration_id
            for inventory in self._draft.inventories.values()
            if inventory.kind is kind and inventory.verified and not self._draft.is_outdated(inventory)
        )

    async def mark_verified(self, inventory: Inventory) -> None:
        if self._draft.inventories[inventory.key].revision == inventory.revision:
            self._draft.inventories[inventory.key] = replace(inventory, verified=True)

    async def note_undecided(self, kind: ItemKind, vendor_integration_ids: Collection[str]) -> None:
        self._draft.undecided |= dict.fromkeys((kind, id_) for id_ in vendor_integration_ids)

    async def undecided_vendors(self, kind: ItemKind) -> list[str]:
        return [integration_id for noted_kind, integration_id in self._draft.undecided if noted_kind is kind]

    async def forget_undecided(self, kind: ItemKind, vendor_integration_ids: Collection[str]) -> None:
        for integration_id in vendor_integration_ids:
            self._draft.undecided.pop((kind, integration_id), None)

    async def former_labels(self, kind: ItemKind, keys: Collection[str]) -> dict[str, Labels]:
        labels = self._draft.labels
        return {key: labels[kind, key] for key in keys if (kind, key) in labels}

    async def store_labels(
        self, kind: ItemKind, new: Mapping[str, Labels], changed: Mapping[str, Labels]
    ) -> None:
        self._draft.labels |= {(kind, key): labels for key, labels in (*new.items(), *changed.items())}

    async def finished_integrations(self) -> frozenset[str]:
        return frozenset(record.event.vendor_integration_id for record in self._draft.finishes.values())

    async def mappings(self, keys: Collection[str]) -> dict[str, MappingDecided]:
        return {key: self._draft.mappings[key] for key in keys if key in self._draft.mappings}

    async def matching_settings(self) -> MatchingSettings:
        return self._draft.settings

    async def has_normal_names(self) -> bool:
        return True

    async def record_settings(self, told: MatchingSettingsChanged) -> None:
        self._draft.settings = MatchingSettings.of(told)
        self._draft.published.append(told)

    async def included_services(self, source: MappingDecided) -> list[MappingDecided]:
        found = [one for one in self._draft.mappings.values() if is_included(one, source)]
        return sorted(found, key=lambda one: one.key)

    async def is_proposed(self, key: str, psa_integration_id: str, psa_id: str) -> bool:
        proposed = self._draft.proposals.get(key)
        ends = [(one.psa_integration_id, one.psa_id) for one in proposed.proposals] if proposed else []
        return (psa_integration_id, psa_id) in ends

    async def record_mappings(
        self, mappings: Sequence[MappingDecided], *, existing: Mapping[str, MappingDecided]
    ) -> None:
        stored = self._draft.mappings
        assert all(existing.get(mapping.key) == stored.get(mapping.key) for mapping in mappings)
        await self.restore_mappings(mappings, existing=existing)
        self._draft.published += mappings

    async def restore_mappings(
        self, mappings: Sequence[MappingDecided], *, existing: Mapping[str, MappingDecided]
    ) -> None:
        self._draft.mark({mapping.kind for mapping in mappings})
        self._draft.history += [existing[one.key] for one in mappings if one.key in existing]
        self._draft.mappings |= {mapping.key: mapping for mapping in mappings}

    async def replaced_revisions(self, mappings: Collection[MappingDecided]) -> set[tuple[str, int]]:
        asked = {(mapping.key, mapping.revision) for mapping in mappings}
        return asked & {(mapping.key, mapping.revision) for mapping in self._draft.history}

    async def decision_record(self, record_id: str) -> DecisionRecord | None:
        return self._draft.records.get(record_id)

    async def record_outcomes(self, record: DecisionRecord) -> None:
        assert record.id not in self._draft.records
        self._draft.records[record.id] = record

    async def approved_counts(
        self, vendor_integration_id: str, psa_integration_id: str
    ) -> dict[MappingKind, int]:
        ends = (vendor_integration_id, psa_integration_id)
        approved = self._draft.mappings_with([MappingDecision.APPROVED])
        return Counter(m.kind for m in approved if (m.vendor_integration_id, m.psa_integration_id) == ends)

    async def excluded_counts(self, vendor_integration_id: str) -> dict[MappingKind, int]:
        excluded = self._draft.mappings_with([MappingDecision.EXCLUDED])
        return Counter(m.kind for m in excluded if m.vendor_integration_id == vendor_integration_id)

    async def finish_record(self, record_id: str) -> FinishRecord | None:
        return self._draft.finishes.get(record_id)

    async def record_finish(self, record: FinishRecord) -> None:
        self._draft.finishes[record.id] = record
        self._draft.published.append(record.event)


def _end(mapping: MappingDecided, side: Side) -> tuple[str, str]:
    if side is Side.VENDOR:
        return mapping.vendor_integration_id, mapping.vendor_id
    return mapping.psa_integration_id or "", mapping.psa_id or ""
