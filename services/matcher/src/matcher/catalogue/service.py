"""Showing what there is to map, and what is mapped, page by page."""

from collections.abc import Collection, Sequence
from typing import Protocol

from matcher.catalogue.items import PSA_KINDS, VENDOR_KINDS, Item, ItemKind
from matcher.catalogue.search import (
    ItemQuery,
    MappedItem,
    MappingQuery,
    NamedMapping,
    Page,
    SortKey,
    cursor_of,
    sort_key_of,
)
from shared.contracts.base import Side, key_of
from shared.contracts.matcher import MappingDecided, MappingKind


class Catalogue(Protocol):
    """Reading without a turn: what is seen may be a moment old."""

    async def items(self, wanted: ItemQuery, after: SortKey | None, limit: int) -> list[Item]:
        """Those present, in the order of their names in any case, then of their keys."""
        ...

    async def names(self, tenant_id: str, shelf: ItemKind, keys: Collection[str]) -> dict[str, str]: ...

    async def mappings(self, wanted: MappingQuery, after: str | None, limit: int) -> list[MappingDecided]:
        """In the order of their keys."""
        ...

    async def mappings_of(
        self, tenant_id: str, shelf: ItemKind, ids: Collection[str]
    ) -> list[MappingDecided]:
        """All that have one of these ids at the shelf's end; only what is approved has a PSA end."""
        ...


class CatalogueService:
    """Items with their mappings, and mappings with their names."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    async def items(self, wanted: ItemQuery, after: SortKey | None, limit: int) -> Page[MappedItem]:
        found = await self._catalogue.items(wanted, after, limit + 1)
        cut = found[:limit]
        more = cursor_of(sort_key_of(cut[-1])) if len(found) > limit else None
        return Page(tuple(await self._rows(wanted, cut)), more)

    async def mappings(self, wanted: MappingQuery, after: SortKey | None, limit: int) -> Page[NamedMapping]:
        found = await self._catalogue.mappings(wanted, after.key if after else None, limit + 1)
        cut = found[:limit]
        more = cursor_of(SortKey("", cut[-1].key)) if len(found) > limit else None
        return Page(tuple(await self._links(wanted.tenant_id, cut)), more)

    async def link(self, mapping: MappingDecided) -> NamedMapping:
        """One mapping with its names."""
        return (await self._links(mapping.tenant_id, [mapping]))[0]

    async def _rows(self, wanted: ItemQuery, items: Sequence[Item]) -> list[MappedItem]:
        ids = {item.id for item in items}
        mappings = await self._catalogue.mappings_of(wanted.tenant_id, wanted.shelf, ids)
        links: dict[str, list[NamedMapping]] = {}
        for link in await self._links(wanted.tenant_id, mappings):
            links.setdefault(_end(link.mapping, wanted.shelf.side), []).append(link)
        return [MappedItem(item, tuple(links.get(item.key, ()))) for item in items]

    async def _links(self, tenant_id: str, mappings: Sequence[MappingDecided]) -> list[NamedMapping]:
        names: dict[tuple[ItemKind, str], str] = {}
        for kind in MappingKind:
            some = [mapping for mapping in mappings if mapping.kind is kind]
            for side, shelf in ((Side.VENDOR, VENDOR_KINDS[kind]), (Side.PSA, PSA_KINDS[kind])):
                keys = {_end(mapping, side) for mapping in some}
                found = await self._catalogue.names(tenant_id, shelf, keys)
                names |= {(shelf, key): name for key, name in found.items()}
        return [_link(mapping, names) for mapping in mappings]


def _link(mapping: MappingDecided, names: dict[tuple[ItemKind, str], str]) -> NamedMapping:
    return NamedMapping(
        mapping,
        vendor_name=names.get((VENDOR_KINDS[mapping.kind], _end(mapping, Side.VENDOR))),
        psa_name=names.get((PSA_KINDS[mapping.kind], _end(mapping, Side.PSA))),
    )


def _end(mapping: MappingDecided, side: Side) -> str:
    """The key of the item at one end of a mapping."""
    if side is Side.VENDOR:
        return key_of(mapping.tenant_id, mapping.vendor_integration_id, mapping.vendor_id)
    return key_of(mapping.tenant_id, mapping.psa_integration_id or "", mapping.psa_id or "")
