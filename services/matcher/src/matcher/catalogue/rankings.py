"""By what a list begins: likeness to an item of the other side, or usage that is not compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from matcher.catalogue.item_order import FoundItems, PageBounds
from matcher.catalogue.items import PSA_KINDS, VENDOR_KINDS, ItemKind
from matcher.catalogue.likeness import Likeness
from matcher.catalogue.ports import LikeItems, RankedCatalogue, SuggestionReader, UsageSums
from matcher.catalogue.search import ItemEnd, ItemQuery, MappedItem, StateFilter
from shared.contracts.base import Side, key_of
from shared.errors import NotFound

_NOT_ALIKE = Likeness(0)


@dataclass(frozen=True, slots=True)
class RankedItems:
    """Items from the edge of a page on, and how alike some are to the item that is asked for."""

    found: FoundItems
    likenesses: Mapping[str, Likeness]


class ItemRankings:
    """Ranks the items of one tenant, and shows by what."""

    def __init__(
        self,
        catalogue: RankedCatalogue,
        like_items: LikeItems,
        suggestions: SuggestionReader,
        usage: UsageSums,
    ) -> None:
        self._catalogue, self._like_items = catalogue, like_items
        self._suggestions, self._usage = suggestions, usage

    async def page(self, query: ItemQuery, states: StateFilter | None, bounds: PageBounds) -> RankedItems:
        """Returns the items of a ranked query; raises `NotFound` when the item to be like is not there."""
        likenesses = await self._likenesses(query, query.like) if query.like else {}
        if query.like:
            ranks = {key: likeness.rank for key, likeness in likenesses.items()}
        elif query.kind.side is Side.VENDOR:
            ranks = await self._usage.ranks(query.tenant_id, query.kind.mapping_kind)
        else:
            ranks = {}  # only what is not mapped to the PSA is not compared
        return RankedItems(await self._catalogue.ranked_page(query, states, bounds, ranks), likenesses)

    async def with_usage(self, query: ItemQuery, rows: Sequence[MappedItem]) -> list[MappedItem]:
        """Returns vendor items with what they use that is not compared."""
        if query.kind.side is Side.PSA:
            return list(rows)
        ends = {row.item.end for row in rows}
        sums = await self._usage.sums(query.tenant_id, query.kind.mapping_kind, ends)
        return [replace(row, uncompared=sums.get(row.item.end)) for row in rows]

    async def _likenesses(self, query: ItemQuery, like: ItemEnd) -> dict[str, Likeness]:
        kind = _other_side(query.kind)
        item = await self._like_items.item(query.tenant_id, kind, *like)
        if item is None:
            raise NotFound(
                f"there is no {kind.display_name} {like[1]} in integration {like[0]}: name the item that the"
                " list shall be ranked by as `integration:id`"
            )
        alike = await self._like_items.find(query.kind, item)
        proposed = await self._suggestions.proposals_with(query.tenant_id, kind, like)
        return alike | {
            key_of(query.tenant_id, *end): Likeness(probability, is_proposed=True)
            for end, probability in proposed.items()
        }


def with_likeness(rows: Sequence[MappedItem], likenesses: Mapping[str, Likeness]) -> list[MappedItem]:
    """Returns the items with how alike they are; what was found by no word is not alike at all."""
    return [replace(row, likeness=likenesses.get(row.item.key, _NOT_ALIKE)) for row in rows]


def _other_side(kind: ItemKind) -> ItemKind:
    kinds = PSA_KINDS if kind.side is Side.VENDOR else VENDOR_KINDS
    return kinds[kind.mapping_kind]
