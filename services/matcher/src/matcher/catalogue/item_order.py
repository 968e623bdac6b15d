"""In which order items are listed, and where a page of them begins and ends."""

# Invariant: the sort key of an item is made of what the item and the query say, and of nothing that other
# items say, so that a cursor stays good while items come and go. The key of a search begins with 0 where the
# name (or, by code, the code) begins with what is searched for, else with 1:
#
#   "dent", by name   Dental Care → ("0dental care", …)   Acme Dental → ("1acme dental", …)
#   no search         Acme Dental → ("acme dental", …)    newest first → ("2026-11-23T09:00:00.000+00:00", …)

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Self

from matcher.catalogue.items import Item
from matcher.catalogue.search import ItemQuery, ItemSort, Page, SearchField, SortKey
from matcher.catalogue.words import whole_code

FIRST, OTHERS = "0", "1"
"""How the sort keys of a search begin: of items that begin with what is searched for, and of all others."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """The order that a query asks for."""

    query: ItemQuery

    @property
    def descending(self) -> bool:
        return self.query.sort is ItemSort.NEWEST

    @property
    def is_search(self) -> bool:
        """Whether what begins with the search comes first."""
        return bool(self.query.search) and not self.descending

    @property
    def beginning(self) -> str:
        """What a sort text begins with that comes first in a search by name."""
        return self.query.search.strip().casefold()

    def sort_key(
        self, item_key: str, folded: str, words: Collection[str], first_seen_at: datetime
    ) -> SortKey:
        """Returns the sort key of an item with this sort text and these words."""
        if self.descending:
            return seen_text(first_seen_at), item_key
        if not self.is_search:
            return folded, item_key
        return (FIRST if self._comes_first(folded, words) else OTHERS) + folded, item_key

    def _comes_first(self, folded: str, words: Collection[str]) -> bool:
        if self.query.by is SearchField.NAME:
            return folded.startswith(self.beginning)
        code = whole_code(self.query.search)
        return any(word.startswith(code) for word in words)


@dataclass(frozen=True, slots=True)
class PageBounds:
    """Where a page begins, or ends, and how many rows it has at most."""

    after: SortKey | None = None
    before: SortKey | None = None
    limit: int = 50

    @property
    def backward(self) -> bool:
        return self.before is not None

    @property
    def edge(self) -> SortKey | None:
        """The row beside the page from which it is read, to its end or to its beginning."""
        return self.before if self.backward else self.after

    @property
    def beyond(self) -> Self:
        """The same with one row more, which tells whether there are any."""
        return replace(self, limit=self.limit + 1)


@dataclass(frozen=True, slots=True)
class FoundItems:
    """Items with their sort keys, from the edge of a page on, and how many there are on all pages."""

    items: tuple[tuple[SortKey, Item], ...]
    total: int | None
    """None where counting them would take too long."""


def page_of(found: FoundItems, bounds: PageBounds) -> Page[Item]:
    """Returns the page with these bounds, of what was found within `bounds.beyond`."""
    keyed, more = list(found.items[: bounds.limit]), len(found.items) > bounds.limit
    if bounds.backward:
        keyed.reverse()
    first, last = (keyed[0][0], keyed[-1][0]) if keyed else (bounds.after, bounds.before)
    return Page(
        rows=tuple(item for _, item in keyed),
        next=last if more or bounds.backward else None,
        previous=first if (more if bounds.backward else bounds.after is not None) else None,
        total=found.total,
    )


def seen_text(first_seen_at: datetime) -> str:
    """Returns the moment as a text that sorts as the moment does."""
    return first_seen_at.astimezone(UTC).isoformat(timespec="milliseconds")


def seen_at(text: str) -> datetime:
    """Returns the moment again; raises `ValueError` for any other text."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None or seen_text(moment) != text:
        raise ValueError(f"{text!r} is no moment as a cursor names it")
    return moment
