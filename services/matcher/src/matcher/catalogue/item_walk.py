"""Which documents of items a query is about, and where in an index their list goes on."""

from dataclasses import dataclass

from matcher.catalogue.documents import first_seen_at
from matcher.catalogue.item_order import seen_at
from matcher.catalogue.search import ItemQuery, SortKey, StateFilter
from matcher.catalogue.words import has_words
from shared.mongo import Document

PRESENT = {"present": True}


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a list that an index has in its order."""

    mark: str
    """How the sort keys of the section begin."""
    filter: Document
    edge: SortKey | None = None
    """Where it is begun to be read, without the mark."""

    def takes(self, sort_key: SortKey) -> bool:
        """Whether an item of this sort key belongs here, and not to another section as well."""
        return sort_key[0].startswith(self.mark)


def fits(query: ItemQuery, states: StateFilter | None, row: Document) -> bool:
    """Whether the query is about the item; `states` is what its filters mean."""
    end = (row["integration_id"], row["item_id"])
    return (
        query.integration_id in (None, end[0])
        and (not query.ids or end[1] in query.ids)
        and (states is None or states.accepts(end, first_seen_at(row)))
        and (not query.search or (bool(query.words) and has_words(row.get("words", ()), query.words)))
    )


def beyond(filter_: Document, field: str, edge: SortKey | None, direction: int) -> Document:
    """Returns the filter for what stands behind the edge."""
    if edge is None:
        return filter_
    value = seen_at(edge[0]) if field == "first_seen_at" else edge[0]
    at_or_behind, behind = ("$gte", "$gt") if direction > 0 else ("$lte", "$lt")
    # Together: (field, _id) behind (value, key). An index can begin at the first condition, not at `$or`.
    return {
        **filter_,
        field: {**filter_.get(field, {}), at_or_behind: value},
        "$or": [{field: {behind: value}}, {"_id": {behind: edge[1]}}],
    }
