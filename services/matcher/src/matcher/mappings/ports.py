"""What the use cases of mapping need of a store."""

from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar

from matcher.catalogue.inventory import Inventory
from matcher.catalogue.items import Item, ItemKind, Labels
from matcher.catalogue.ports import CatalogueReader
from matcher.mappings.acceptance_models import AcceptableProposal, AcceptancePlan, AcceptQuery
from matcher.mappings.models import DecisionRecord, MatchingSettings, PsaItemRef
from shared.contracts.matcher import MappingDecided, MappingKind, MatchingSettingsChanged
from shared.work_queue import WorkItem

T = TypeVar("T")


class RulesUnit(Protocol):
    """What the rules of a mapped service rest on."""

    async def items(self, kind: ItemKind, keys: Collection[str]) -> Sequence[Item]:
        """Returns the items that were ever observed, also when they are gone."""
        ...

    async def mappings(self, keys: Collection[str]) -> dict[str, MappingDecided]:
        """Returns the existing mappings, by key."""
        ...

    async def included_services(self, source: MappingDecided) -> list[MappingDecided]:
        """Returns the mapped services whose quantity the service of this mapping stands for, by key."""
        ...


class DecisionUnit(CatalogueReader, RulesUnit, Protocol):
    """What a decision on a vendor item reads and writes."""

    async def enqueue(self, lane: str, keys: Iterable[str]) -> None:
        """Adds keys to the work queue, for the exact rule to look at."""
        ...

    async def is_proposed(self, key: str, psa_integration_id: str, psa_id: str) -> bool:
        """Whether the PSA item is among what is proposed for the vendor item with the mapping's key."""
        ...

    async def record_mappings(
        self, mappings: Sequence[MappingDecided], *, existing: Mapping[str, MappingDecided]
    ) -> None:
        """Stores and publishes decisions; `existing` are those that they replace, by key, now history."""
        ...


class UnitOfWork(DecisionUnit, Protocol):
    """One tenant's state while nobody else decides for the tenant; all of its writes are stored, or none."""

    async def read_due(self, *, limit: int) -> list[WorkItem]:
        """Returns the oldest items of the work queue, of all lanes; they stay until they are completed."""
        ...

    async def complete(self, work: Sequence[WorkItem]) -> None:
        """Removes work items from the queue, together with the commit of their result."""
        ...

    async def items_labelled(self, kind: ItemKind, labels: Labels) -> list[Item]:
        """Returns the items that have one of these labels, each once."""
        ...

    async def matching_settings(self) -> MatchingSettings: ...

    async def has_normal_names(self) -> bool:
        """Whether all items that are stored can be found by their normal names."""
        ...

    async def record_settings(self, told: MatchingSettingsChanged) -> None:
        """Stores and publishes settings in place of those that are stored."""
        ...

    async def keys_of_integration(self, kind: ItemKind, integration_id: str) -> list[str]:
        """Returns the keys of all items that the integration has of this kind."""
        ...

    async def former_labels(self, kind: ItemKind, keys: Collection[str]) -> dict[str, Labels]:
        """Returns the labels under which each item was compared last, by key; none for one that never was."""
        ...

    async def store_labels(
        self, kind: ItemKind, new: Mapping[str, Labels], changed: Mapping[str, Labels]
    ) -> None:
        """Stores the labels of items that were never compared, and of those compared under other labels."""
        ...

    async def mark_verified(self, inventory: Inventory) -> None:
        """Stores that the items were once exactly those of the inventory, unless a later run's is there."""
        ...

    async def note_undecided(self, kind: ItemKind, vendor_integration_ids: Collection[str]) -> None:
        """Stores that something of these vendors could not be decided yet."""
        ...

    async def undecided_vendors(self, kind: ItemKind) -> list[str]: ...

    async def forget_undecided(self, kind: ItemKind, vendor_integration_ids: Collection[str]) -> None: ...

    async def finished_integrations(self) -> frozenset[str]:
        """Returns the ids of vendor integrations whose mapping a person has ever finished."""
        ...

    async def restore_mappings(
        self, mappings: Sequence[MappingDecided], *, existing: Mapping[str, MappingDecided]
    ) -> None:
        """Stores decisions that were published already, in place of those that are stored."""
        ...

    async def replaced_revisions(self, mappings: Collection[MappingDecided]) -> set[tuple[str, int]]:
        """Returns key and revision of those of these decisions that are history."""
        ...

    async def decision_record(self, record_id: str) -> DecisionRecord | None:
        """Returns what came of the request, or the part of one, that was recorded under this id."""
        ...

    async def record_outcomes(self, record: DecisionRecord) -> None:
        """Stores what came of a request, together with the commit of its decisions."""
        ...

    async def approved_counts(
        self, vendor_integration_id: str, psa_integration_id: str
    ) -> dict[MappingKind, int]:
        """Returns how many mappings there are between the two integrations, by kind."""
        ...

    async def excluded_counts(self, vendor_integration_id: str) -> dict[MappingKind, int]:
        """Returns how many of the vendor's items are excluded, by kind."""
        ...


class MappingStore(Protocol):
    """Opens units of work."""

    async def tenants_with_work(self, now: datetime) -> list[str]:
        """Returns the ids of tenants whose work queue holds something."""
        ...

    async def run_unit_of_work(
        self, tenant_id: str, work: Callable[[UnitOfWork], Coroutine[Any, Any, T]]
    ) -> T:
        """Runs `work` alone for this tenant; it may run again, so it must touch its unit of work only."""
        ...


class AcceptanceStore(Protocol):
    """What accepting many proposals reads, outside a unit of work, and keeps."""

    async def best_undecided(self, query: AcceptQuery) -> list[AcceptableProposal]:
        """Returns the best proposals that the query asks for, by the key of the vendor item."""
        ...

    async def mapped_from(
        self, tenant_id: str, kind: MappingKind, targets: Collection[PsaItemRef]
    ) -> set[tuple[str, PsaItemRef]]:
        """Returns from which vendor integrations something is mapped to these PSA items."""
        ...

    async def plan(self, id_: str, tenant_id: str) -> AcceptancePlan | None: ...

    async def record_plan(self, plan: AcceptancePlan, tenant_id: str) -> None:
        """Stores the plan unless one of its id is there."""
        ...
