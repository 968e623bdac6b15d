"""Pages of a list that begins with what was ranked, by likeness or by money, and goes on by name."""

# Invariant: each item that fits comes once: what has a rank in its order, then all others by name. A cursor
# says in which of the two parts its row stands, and where:
#
#   ranked {b: "0100", d: "0700"}   → ("00100", b) ("00700", d) | ("1alpha", a) ("1carol", c)

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from matcher.catalogue.documents import has_word, item_from
from matcher.catalogue.item_order import FIRST, OTHERS, FoundItems, PageBounds
from matcher.catalogue.item_pages import ItemPages
from matcher.catalogue.item_walk import PRESENT, beyond, fits
from matcher.catalogue.items import Item
from matcher.catalogue.search import ItemQuery, SortKey, StateFilter
from shared.mongo import Document, Mongo

_AT_ONCE = 200
"""Items that are read at once, on the way to a full page."""


class RankedPages:
    """Reads items outside a unit of work: what is read may be a moment old."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo, self._pages = mongo, ItemPages(mongo)

    async def ranked_page(
        self,
        query: ItemQuery,
        states: StateFilter | None,
        bounds: PageBounds,
        ranks: Mapping[str, str],
    ) -> FoundItems:
        """Returns present items from the edge of the page on; `ranks` are by key, the smallest first."""
        total = await self._pages.total(query, states)
        if query.search and not query.words:
            return FoundItems((), 0)  # nothing is called by what has no words
        parts = [self._ranked(query, bounds, ranks), self._others(query, bounds, ranks)]
        taken: list[tuple[SortKey, Item]] = []
        for part in reversed(parts) if bounds.backward else parts:
            async with aclosing(part) as rows:
                async for sort_key, row in rows:
                    if fits(query, states, row):
                        taken.append((sort_key, item_from(query.kind, row)))
                    if len(taken) == bounds.limit:
                        return FoundItems(tuple(taken), total)
        return FoundItems(tuple(taken), total)

    async def _ranked(
        self, query: ItemQuery, bounds: PageBounds, ranks: Mapping[str, str]
    ) -> AsyncGenerator[tuple[SortKey, Document], None]:
        edge, backward = bounds.edge, bounds.backward
        keyed = [(FIRST + rank, key) for key, rank in ranks.items()]
        if edge is not None:
            keyed = [one for one in keyed if (one < edge if backward else one > edge)]
        rows = self._mongo.documents(query.kind, query.tenant_id)
        keyed.sort(reverse=backward)
        for some in (keyed[at : at + _AT_ONCE] for at in range(0, len(keyed), _AT_ONCE)):
            found = await rows.get_many(key for _, key in some)
            for sort_key in some:
                row = found.get(sort_key[1])
                if row is not None and row["present"]:
                    yield sort_key, row

    async def _others(
        self, query: ItemQuery, bounds: PageBounds, ranks: Mapping[str, str]
    ) -> AsyncGenerator[tuple[SortKey, Document], None]:
        edge, direction = bounds.edge, -1 if bounds.backward else 1
        if edge is not None and edge[0][:1] == FIRST:
            if bounds.backward:
                return
            edge = None
        edge = (edge[0][1:], edge[1]) if edge else None
        filter_: Document = {**PRESENT, **_narrowing(query)}
        rows = self._mongo.documents(query.kind, query.tenant_id)
        while True:
            order = [("folded", direction), ("_id", direction)]
            found = await rows.find(beyond(filter_, "folded", edge, direction), sort=order, limit=_AT_ONCE)
            for row in found:
                if row["_id"] not in ranks:
                    yield (OTHERS + row["folded"], row["_id"]), row
            if len(found) < _AT_ONCE:
                return
            edge = (found[-1]["folded"], found[-1]["_id"])


def _narrowing(query: ItemQuery) -> Document:
    """Returns the part of a filter that an index knows."""
    filter_: Document = {"integration_id": query.integration_id} if query.integration_id else {}
    if query.search:
        filter_["$and"] = [has_word(word) for word in query.words]
    return filter_
