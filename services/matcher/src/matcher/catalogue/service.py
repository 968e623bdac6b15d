"""Lists what there is to map, with what is decided on it, page by page."""

from collections.abc import Sequence
from dataclasses import replace

from matcher.catalogue.item_order import PageBounds, page_of
from matcher.catalogue.items import PSA_KINDS, VENDOR_KINDS, Item, ItemKind
from matcher.catalogue.ports import Catalogue, MappingReader, SuggestionReader
from matcher.catalogue.rankings import ItemRankings, with_likeness
from matcher.catalogue.search import (
    ItemEnd,
    ItemFilter,
    ItemQuery,
    MappedItem,
    MappingState,
    NamedMapping,
    NamedProposal,
    Page,
    StateFilter,
    decisions_of,
)
from shared.contracts.base import Side, key_of
from shared.contracts.matcher import MappingDecided, MappingDecision, MappingKind


class CatalogueService:
    """Joins items with their mappings, and mappings with the names of their ends."""

    def __init__(
        self,
        catalogue: Catalogue,
        mappings: MappingReader,
        suggestions: SuggestionReader,
        rankings: ItemRankings | None = None,
    ) -> None:
        """Without `rankings` no list is ranked, and nothing is known of usage."""
        self._catalogue, self._mappings, self._suggestions = catalogue, mappings, suggestions
        self._rankings = rankings

    async def items(self, query: ItemQuery, bounds: PageBounds) -> Page[MappedItem]:
        """Raises `NotFound` when the item that the list shall be ranked by is not there."""
        states, likenesses = await self._state_filter(query), None
        if self._rankings and query.is_ranked:
            ranked = await self._rankings.page(query, states, bounds.beyond)
            found, likenesses = ranked.found, ranked.likenesses
        else:
            found = await self._catalogue.page(query, states, bounds.beyond)
        page = page_of(found, bounds)
        mapped = await self._with_mappings(query, page.rows)
        if self._rankings:
            mapped = await self._rankings.with_usage(query, mapped)
        if query.like and likenesses is not None:
            mapped = with_likeness(mapped, likenesses)
        if query.with_proposal:
            mapped = await self._with_proposals(query, mapped)
        return Page(tuple(mapped), page.next, page.previous, page.total)

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
        """Returns what the query's filters mean at this moment; None when every item meets them."""
        filters, kind = query.filters, query.kind
        since = query.since if ItemFilter.NEW in filters else None
        states = [state for state in MappingState if ItemFilter(state) in filters]
        if not filters or len(states) == len(MappingState):
            return None
        undecided_too = MappingState.UNMAPPED in states
        # The items of the states themselves, or with the undecided all but those of the other states.
        wanted = [state for state in MappingState if (state in states) is not undecided_too]
        decisions = frozenset[MappingDecision]().union(
            *(decisions_of(state, kind.side) for state in wanted if state is not MappingState.UNMAPPED)
        )
        ends = await self._mappings.decided_items(query.tenant_id, kind, decisions) if decisions else set()
        if ItemFilter.SUGGESTED in filters and not undecided_too:
            ends |= await self._suggested(query)
        return StateFilter(ends, others=undecided_too, since=since)

    async def _suggested(self, query: ItemQuery) -> set[ItemEnd]:
        decided = decisions_of(MappingState.UNMAPPED, query.kind.side)
        suggested = await self._suggestions.suggested_items(query.tenant_id, query.kind)
        return suggested - await self._mappings.decided_items(query.tenant_id, query.kind, decided)

    async def _with_mappings(self, query: ItemQuery, items: Sequence[Item]) -> list[MappedItem]:
        ids = {item.id for item in items}
        mappings = await self._mappings.mappings_of(query.tenant_id, query.kind, ids)
        by_item: dict[str, list[NamedMapping]] = {}
        for named in await self.with_names(query.tenant_id, mappings):
            by_item.setdefault(_item_key(named.mapping, query.kind.side), []).append(named)
        return [MappedItem(item, tuple(by_item.get(item.key, ()))) for item in items]

    async def _with_proposals(self, query: ItemQuery, rows: Sequence[MappedItem]) -> list[MappedItem]:
        ends = {row.item.end for row in rows if row.state is MappingState.UNMAPPED}
        best = await self._suggestions.best_proposals(query.tenant_id, query.kind, ends)
        key_by_end = {
            end: key_of(query.tenant_id, one.psa_integration_id, one.psa_id) for end, one in best.items()
        }
        psa_kind = PSA_KINDS[query.kind.mapping_kind]
        names = await self._catalogue.names(query.tenant_id, psa_kind, set(key_by_end.values()))
        named = {end: NamedProposal(one, names.get(key_by_end[end])) for end, one in best.items()}
        return [replace(row, proposal=named.get(row.item.end)) for row in rows]


def _item_key(mapping: MappingDecided, side: Side) -> str:
    """Returns the key of the item at one end of a mapping; of no item when the mapping has no such end."""
    if side is Side.VENDOR:
        return key_of(mapping.tenant_id, mapping.vendor_integration_id, mapping.vendor_id)
    return key_of(mapping.tenant_id, mapping.psa_integration_id or "", mapping.psa_id or "")
