"""Pages of items in the document store, and how many there are on all pages."""

# Invariant: a page is the beginning of all that fits, in the order of `item_order.py`, however it is found. A
# search looks at the rarest of its words. Where few items have it, or all words together, these are all read,
# and told apart and sorted here. Where many have, the list of all items is gone through in its order until
# the page is full, which is soon; what begins with the search comes first, and stands together there.
#
#   "care contoso"  20,000 items have care*, 12 have contoso* → the 12 are read, 3 of them have care*
#   "care de"       20,000 have care*, 9,000 have de*, 200 have both → the 200 are read
#   "care dental"   of 100,000 items 900 have both → these are counted, the list is gone through for a page
#   "care"          20,000 of 100,000 → in the order of names one of five fits: 250 are read for a page of 50

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace

from matcher.catalogue.documents import first_seen_at, has_word, item_from
from matcher.catalogue.indexes import INTEGRATIONS
from matcher.catalogue.item_order import FIRST, OTHERS, FoundItems, PageBounds, Ranking, seen_text
from matcher.catalogue.item_walk import PRESENT, Section, beyond, fits
from matcher.catalogue.items import Item
from matcher.catalogue.missing_items import MissingItems
from matcher.catalogue.search import ItemQuery, SearchField, SortKey, StateFilter
from matcher.catalogue.words import whole_code
from shared.contracts.base import key_of
from shared.mongo import Document, Documents, Mongo, Session

FEW = 1_500
"""Items that are counted, and that are read and sorted at once where only that tells how many fit."""
_READ_SHARE = 4
"""One of so many of these is read at once in any case: more take longer than to go through the list."""
_COUNTED_WORDS = 6
"""Words of a search whose items are counted; the longest, for these are rare."""
_LARGEST_BATCH = 2_000
_LAST_CHARACTER = "\U0010ffff"
_RANKED = ("folded", "words", "integration_id", "item_id", "first_seen_at")
"""What tells whether an item fits, and where it stands."""


class ItemPages:
    """Reads items outside a unit of work: what is read may be a moment old."""

    def __init__(self, mongo: Mongo, *, few: int = FEW) -> None:
        """`few` items are counted; a search in which every word has more goes through the list."""
        self._mongo, self._few = mongo, few

    async def page(self, query: ItemQuery, states: StateFilter | None, bounds: PageBounds) -> FoundItems:
        """Returns present items from the edge of the page on; `states` is what the query's filters mean."""
        rows = self._mongo.documents(query.kind, query.tenant_id)
        reader = _PageReader(rows, query, states, bounds)
        keys = await self._keys(query, states)
        if keys is not None:
            return await reader.sorted_page(await rows.find_in("_id", keys, where=PRESENT, fields=_RANKED))
        if query.search:
            return await self._searched_page(reader)
        missing = MissingItems(self._mongo, query.tenant_id)
        return FoundItems(await reader.walked_page(), await reader.total(missing))

    async def total(self, query: ItemQuery, states: StateFilter | None) -> int | None:
        """Returns how many items there are on all pages; None where counting them would take too long."""
        rows = self._mongo.documents(query.kind, query.tenant_id)
        keys = await self._keys(query, states)
        if keys is not None:
            found = await rows.find_in("_id", keys, where=PRESENT, fields=_RANKED)
        elif query.search:
            filter_ = {"$and": [has_word(word) for word in query.words]}
            if not query.words or await rows.count(filter_, limit=self._few + 1) > self._few:
                return None if query.words else 0
            found = await rows.find(filter_, fields=_RANKED)
        else:
            missing = MissingItems(self._mongo, query.tenant_id)
            return await _PageReader(rows, query, states, PageBounds()).total(missing)
        return sum(fits(query, states, row) for row in found)

    async def _searched_page(self, reader: "_PageReader") -> FoundItems:
        longest = sorted(reader.query.words, key=len, reverse=True)[:_COUNTED_WORDS]
        filters = [has_word(word) for word in longest]
        most = self._few if len(filters) == 1 else self._few // _READ_SHARE
        counts = await asyncio.gather(*(reader.rows.count(one, limit=most + 1) for one in filters))
        rarest = min(range(len(counts)), key=counts.__getitem__, default=None)
        if rarest is None or not counts[rarest]:
            return FoundItems((), 0)
        if counts[rarest] <= most or len(filters) == 1:
            return await self._page_by(filters[rarest], counts[rarest], reader)
        together = {"$and": filters}

        async def count_and_read(session: Session) -> FoundItems:
            count = await reader.rows.count(together, limit=self._few + 1, session=session)
            return await self._page_by(together, count, replace(reader, session=session))

        # In one transaction: a store may remember what it has counted.
        return await self._mongo.transaction(count_and_read)

    async def _page_by(self, filter_: Document, count: int, reader: "_PageReader") -> FoundItems:
        """Returns the page of items that have the words; the filter selects them, and so many in all."""
        if count <= (self._few // _READ_SHARE if reader.is_all_counted else self._few):
            return await reader.sorted_page(
                await reader.rows.find(filter_, fields=_RANKED, session=reader.session)
            )
        return FoundItems(await reader.walked_page(), count if count <= self._few else None)

    async def _keys(self, query: ItemQuery, states: StateFilter | None) -> set[str] | None:
        """Returns the keys of all items that can be meant, if they are few and known; None otherwise."""
        if query.ids:
            rows = self._mongo.documents(INTEGRATIONS, query.tenant_id)
            known = [row["integration_id"] for row in await rows.find(fields=["integration_id"])]
            integrations = [query.integration_id] if query.integration_id else known
            return {key_of(query.tenant_id, one, id_) for one in integrations for id_ in query.ids}
        if states and not states.others and states.since is None and len(states.ends) <= self._few:
            return {key_of(query.tenant_id, *end) for end in states.ends}
        return None


@dataclass(frozen=True, slots=True)
class _PageReader:
    """Reads one page."""

    rows: Documents
    query: ItemQuery
    states: StateFilter | None
    bounds: PageBounds
    session: Session | None = None

    @property
    def is_all_counted(self) -> bool:
        """Whether all items that have the words fit the query."""
        query = self.query
        return not query.integration_id and self.states is None and len(query.words) <= _COUNTED_WORDS

    async def sorted_page(self, found: list[Document]) -> FoundItems:
        """Returns the page of these documents, which are all that can fit."""
        ranking, edge = Ranking(self.query), self.bounds.edge
        downward = ranking.descending is not self.bounds.backward
        keyed = [(self._sort_key(row), row) for row in found if fits(self.query, self.states, row)]
        keyed.sort(key=lambda one: one[0], reverse=downward)
        if edge is not None:
            behind = [one for one in keyed if (one[0] < edge if downward else one[0] > edge)]
        else:
            behind = keyed
        keys = {row["_id"]: sort_key for sort_key, row in behind[: self.bounds.limit]}
        whole = await self.rows.get_many(keys, session=self.session)
        items = [
            (sort_key, item_from(self.query.kind, whole[id_]))
            for id_, sort_key in keys.items()
            if id_ in whole
        ]
        return FoundItems(tuple(items), len(keyed))

    async def walked_page(self) -> tuple[tuple[SortKey, Item], ...]:
        """Returns the page's items, read in the order of the list, section by section."""
        taken: list[tuple[SortKey, Item]] = []
        for section in self._sections():
            async with aclosing(self._walk(section)) as rows:
                async for row in rows:
                    if section.takes(sort_key := self._sort_key(row)) and fits(self.query, self.states, row):
                        taken.append((sort_key, item_from(self.query.kind, row)))
                    if len(taken) == self.bounds.limit:
                        return tuple(taken)
        return tuple(taken)

    async def total(self, missing: MissingItems) -> int | None:
        """Returns how many items there are on all pages; None where that would take too long to find out."""
        if self.states is None:
            return await self.rows.count(self._base())
        if self.states.since is not None:
            only_new = not self.states.ends and not self.states.others
            return await self.rows.count(self._base()) if only_new else None
        gone = await self.rows.find({**self._base(), "present": False}, fields=["integration_id", "item_id"])
        integration_id = self.query.integration_id
        ends = {end for end in self.states.ends if integration_id in (None, end[0])}
        ends -= {(row["integration_id"], row["item_id"]) for row in gone}
        listed = len(ends - await missing.ends(self.query.kind))
        return max(0, await self.rows.count(self._base()) - listed) if self.states.others else listed

    def _base(self) -> Document:
        """Returns the filter that all items of the query fit, as far as an index knows it."""
        filter_: Document = dict(PRESENT)
        if self.query.integration_id:
            filter_["integration_id"] = self.query.integration_id
        if self.states and self.states.since and not self.states.ends and not self.states.others:
            filter_["first_seen_at"] = {"$gte": self.states.since}
        return filter_

    def _sections(self) -> list[Section]:
        """Returns the parts of the list from the edge of the page on, in the direction of the page."""
        ranking, base, edge = Ranking(self.query), self._base(), self.bounds.edge
        if self.query.search:
            base["$and"] = [has_word(word) for word in self.query.words]
        if not ranking.is_search:
            return [Section("", base, edge)]
        first = dict(base)
        if self.query.by is SearchField.NAME:
            beginning = ranking.beginning
            first["folded"] = {"$gte": beginning, "$lt": beginning + _LAST_CHARACTER}
        else:
            first["$and"] = [*base["$and"], has_word(whole_code(self.query.search))]
        sections = [Section(FIRST, first), Section(OTHERS, base)]
        if self.bounds.backward:
            sections.reverse()
        if edge is None:
            return sections
        mark, sort_key = edge[0][:1], (edge[0][1:], edge[1])
        begun = next((at for at, section in enumerate(sections) if section.mark == mark), 1)
        return [replace(sections[begun], edge=sort_key), *sections[begun + 1 :]]

    async def _walk(self, section: Section) -> AsyncGenerator[Document, None]:
        """Yields the documents of a section that its filter selects, from its edge on."""
        ranking, edge, size = Ranking(self.query), section.edge, max(self.bounds.limit, 2)
        direction = -1 if ranking.descending is not self.bounds.backward else 1
        field = "first_seen_at" if ranking.descending else "folded"
        while True:
            filter_ = beyond(section.filter, field, edge, direction)
            order = [(field, direction), ("_id", direction)]
            rows = await self.rows.find(filter_, sort=order, limit=size, session=self.session)
            for row in rows:
                yield row
            if len(rows) < size:
                return
            text = seen_text(first_seen_at(rows[-1])) if ranking.descending else rows[-1]["folded"]
            edge, size = (text, rows[-1]["_id"]), min(size * 4, _LARGEST_BATCH)

    def _sort_key(self, row: Document) -> SortKey:
        return Ranking(self.query).sort_key(
            row["_id"], row["folded"], row.get("words", ()), first_seen_at(row)
        )
