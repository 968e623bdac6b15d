"""What the catalogue's use cases need of a store."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

from matcher.catalogue.inventory import Inventory
from matcher.catalogue.item_order import FoundItems, PageBounds
from matcher.catalogue.items import IntegrationInfo, Item, ItemKind
from matcher.catalogue.likeness import Likeness
from matcher.catalogue.search import ItemEnd, ItemQuery, StateFilter
from matcher.uncompared_usage.models import UsageSum
from shared.contracts.matcher import MappingDecided, MappingDecision, MappingKind, ProposedItem
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

    async def proposals_with(self, tenant_id: str, kind: ItemKind, end: ItemEnd) -> dict[ItemEnd, int]:
        """Returns the items of the other side that are proposed for this one, or it for them.

        By probability per mille; `kind` is that of the item itself.
        """
        ...


class RankedCatalogue(Protocol):
    """Lists that begin with what is ranked."""

    async def ranked_page(
        self,
        query: ItemQuery,
        states: StateFilter | None,
        bounds: PageBounds,
        ranks: Mapping[str, str],
    ) -> FoundItems:
        """Returns present items: those with a rank by it, the smallest first, then the others by name."""
        ...


class LikeItems(Protocol):
    """Finds items that look like another."""

    async def item(self, tenant_id: str, kind: ItemKind, integration_id: str, id_: str) -> Item | None: ...

    async def find(self, kind: ItemKind, like: Item) -> dict[str, Likeness]:
        """Returns how alike the items of this kind are that look like the given one, by key."""
        ...


class UsageSums(Protocol):
    """What vendor items use that is not compared."""

    async def sums(
        self, tenant_id: str, kind: MappingKind, ends: Collection[ItemEnd]
    ) -> dict[ItemEnd, UsageSum]:
        """Returns the sums of those of the vendor items that have any."""
        ...

    async def ranks(self, tenant_id: str, kind: MappingKind) -> dict[str, str]:
        """Returns the ranks of all vendor items that have a sum, by the key of the item."""
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
