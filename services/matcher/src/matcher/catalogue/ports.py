"""What the catalogue's use cases need of a store."""

from collections.abc import Collection, Iterable, Sequence
from typing import Protocol

from matcher.catalogue.inventory import Inventory
from matcher.catalogue.item_order import FoundItems, PageBounds
from matcher.catalogue.items import IntegrationInfo, Item, ItemKind
from matcher.catalogue.search import ItemEnd, ItemQuery, StateFilter
from shared.contracts.matcher import MappingDecided, MappingDecision, ProposedItem
from shared.contracts.topic_checksum import TopicChecksum


class Catalogue(Protocol):
    """The items and integrations of all tenants, and the queue of what must be matched again."""

    async def store_newer_items(self, items: Sequence[Item]) -> None:
        """Stores each item unless the same or a larger revision is there; when it was first seen stays."""
        ...

    async def store_newer_integrations(self, integrations: Sequence[IntegrationInfo]) -> None:
        """Stores each integration unless the same or a larger revision of it is there."""
        ...

    async def store_newer_inventories(self, inventories: Sequence[Inventory]) -> None:
        """Stores each inventory unless that of the same or a later run is there."""
        ...

    async def unverified_inventories(self) -> list[Inventory]:
        """Returns the inventories of all tenants of which it is not known that all is stored."""
        ...

    async def stored_checksum(self, inventory: Inventory) -> TopicChecksum:
        """Returns the checksum of the items stored here of the inventory's kind and integration."""
        ...

    async def is_outdated(self, inventory: Inventory) -> bool:
        """Whether an item is stored that is newer than all of the inventory: only a later run's can fit."""
        ...

    async def enqueue(self, tenant_id: str, lane: str, keys: Iterable[str]) -> None:
        """Adds keys to the work queue: of items, or of integrations in an `integration_lane`."""
        ...

    async def page(self, query: ItemQuery, states: StateFilter | None, bounds: PageBounds) -> FoundItems:
        """Returns present items from the edge of the page on; what it reads may be a moment old.

        `states` is what the query's filters mean; None means that every item meets them.
        """
        ...

    async def names(self, tenant_id: str, kind: ItemKind, keys: Collection[str]) -> dict[str, str]:
        """Returns the names of the items that were ever observed, by key."""
        ...


class MappingReader(Protocol):
    """What is decided on items, read outside a unit of work: it may be a moment old."""

    async def mappings_of(self, tenant_id: str, kind: ItemKind, ids: Collection[str]) -> list[MappingDecided]:
        """Returns the mappings with one of these ids at the end of `kind`; only approved have a PSA end."""
        ...

    async def decided_items(
        self, tenant_id: str, kind: ItemKind, decisions: Collection[MappingDecision]
    ) -> set[ItemEnd]:
        """Returns all items that have one of these decisions."""
        ...


class SuggestionReader(Protocol):
    """For which items something is proposed, read outside a unit of work."""

    async def suggested_items(self, tenant_id: str, kind: ItemKind) -> set[ItemEnd]:
        """Returns all items of this kind for which something is proposed, decided ones included."""
        ...

    async def best_proposals(
        self, tenant_id: str, kind: ItemKind, ends: Collection[ItemEnd]
    ) -> dict[ItemEnd, ProposedItem]:
        """Returns what each of these items is likeliest to be; nothing for one without proposals."""
        ...


class CatalogueReader(Protocol):
    """One tenant's items and integrations as a unit of work sees them."""

    async def items(self, kind: ItemKind, keys: Collection[str]) -> list[Item]: ...

    async def integrations(self) -> dict[str, IntegrationInfo]:
        """Returns every integration that was ever heard of, by id."""
        ...

    async def settled_integrations(self, kind: ItemKind) -> frozenset[str]:
        """Returns the integrations whose items of this kind are as a complete run left them."""
        ...
