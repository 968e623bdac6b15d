"""Lists what there is to map, with what is decided on it, page by page."""

from collections.abc import Sequence

from matcher.catalogue.items import PSA_KINDS, VENDOR_KINDS, Item, ItemKind
from matcher.catalogue.ports import Catalogue, MappingReader
from matcher.catalogue.search import (
    ItemQuery,
    MappedItem,
    NamedMapping,
    Page,
    SortKey,
    StateFilter,
    decisions_of,
    next_sort_key,
    sort_key_of,
)
from shared.contracts.base import Side, key_of
from shared.contracts.matcher import MappingDecided, MappingKind


class CatalogueService:
    """Joins items with their mappings, and mappings with the names of their ends."""

    def __init__(self, catalogue: Catalogue, mappings: MappingReader) -> None:
        self._catalogue, self._mappings = catalogue, mappings

    async def items(self, query: ItemQuery, after: SortKey | None, limit: int) -> Page[MappedItem]:
        by_state = await self._state_filter(query)
        found = await self._catalogue.page(query, by_state, after, limit + 1)
        mapped = await self._with_mappings(query, found[:limit])
        return Page(tuple(mapped), next_sort_key(found, limit, sort_key_of))

    async def with_names(self, tenant_id: str, mappings: Sequence[MappingDecided]) -> list[NamedMapping]:
        """Returns the mappings, in their order, with the present names of their ends."""
        names: dict[tuple[ItemKind, str], str] = {}
        for mapping_kind in MappingKind:
            of_kind = [mapping for mapping in mappings if mapping.kind is mapping_kind]
            for side, kind in (
                (Side.VENDOR, VENDOR_KINDS[mapping_kind]),
                (Side.PSA, PSA_KINDS[mapping_kind]),
            ):
                keys = {_item_key(mapping, side) for mapping in of_kind}
                found = await self._catalogue.names(tenant_id, kind, keys)
                names |= {(kind, key): name for key, name in found.items()}
        return [
            NamedMapping(
                mapping,
                vendor_name=names.get((VENDOR_KINDS[mapping.kind], _item_key(mapping, Side.VENDOR))),
                psa_name=names.get((PSA_KINDS[mapping.kind], _item_key(mapping, Side.PSA))),
            )
            for mapping in mappings
        ]

    async def _state_filter(self, query: ItemQuery) -> StateFilter | None:
        if query.state is None:
            return None
        decisions = decisions_of(query.state, query.kind.side)
        decided = await self._mappings.decided_items(query.tenant_id, query.kind, decisions)
        return StateFilter(decided, query.state)

    async def _with_mappings(self, query: ItemQuery, items: Sequence[Item]) -> list[MappedItem]:
        ids = {item.id for item in items}
        mappings = await self._mappings.mappings_of(query.tenant_id, query.kind, ids)
        by_item: dict[str, list[NamedMapping]] = {}
        for named in await self.with_names(query.tenant_id, mappings):
            by_item.setdefault(_item_key(named.mapping, query.kind.side), []).append(named)
        return [MappedItem(item, tuple(by_item.get(item.key, ()))) for item in items]


def _item_key(mapping: MappingDecided, side: Side) -> str:
    """Returns the key of the item at one end of a mapping; of no item when the mapping has no such end."""
    if side is Side.VENDOR:
        return key_of(mapping.tenant_id, mapping.vendor_integration_id, mapping.vendor_id)
    return key_of(mapping.tenant_id, mapping.psa_integration_id or "", mapping.psa_id or "")
