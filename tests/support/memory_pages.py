"""Pages of items that are in memory: what the real store must find, by the same rules."""

from collections.abc import Iterable

from matcher.catalogue.item_order import FoundItems, PageBounds, Ranking
from matcher.catalogue.items import Item
from matcher.catalogue.search import LONG_AGO, ItemQuery, StateFilter
from matcher.catalogue.words import has_words, item_words
from shared.plain_text import sort_text


def page_in_memory(
    items: Iterable[Item], query: ItemQuery, states: StateFilter | None, bounds: PageBounds
) -> FoundItems:
    ranking, edge, keyed = Ranking(query), bounds.edge, []
    for item in items:
        words, seen_at = item_words(item.name, item.code), item.first_seen_at or LONG_AGO
        if (
            item.present
            and query.integration_id in (None, item.integration_id)
            and (not query.ids or item.id in query.ids)
            and (not query.search or (query.words and has_words(words, query.words)))
            and (states is None or states.accepts((item.integration_id, item.id), seen_at))
        ):
            keyed.append((ranking.sort_key(item.key, sort_text(item.name), words, seen_at), item))
    keyed.sort(key=lambda one: one[0], reverse=ranking.descending is not bounds.backward)
    behind = keyed if edge is None else keyed[[key for key, _ in keyed].index(edge) + 1 :]
    return FoundItems(tuple(behind[: bounds.limit]), len(keyed))
