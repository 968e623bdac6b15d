"""Has SecantusDB read pages and counts from its indexes; see server.py.

SecantusDB 0.7 looks up the documents that an index has for a filter, all of them: for a page of 50 in the
order of an index it reads, compares and sorts a whole tenant, for a count it decodes every document.
"""

# Invariant: what is found is all that fits the filter, in the order asked for; only less is read. Each
# document of a page is compared with the whole filter, and what has none of these forms goes the store's way:
#
#   find {t: 1, x: {$gt: "b"}, y: 2} sort {x, _id} limit 2   index (t, x, _id): from (1, "b") until two fit
#   find {t: 1, w: /^den/}                                   index (t, w): from (1, "den") to (1, "denÿ…")
#   find {t: 1, $and: [{w: /^den/}, {w: /^ca/}]}             what both ranges of entries have
#   count {t: 1, w: /^den/}                                  the same entries, each document once
#   find {t: 1, w: /^den/} sort {x, _id} limit 50            index (t, x, _id): each document is read, and
#     compared, until the page is full. Where that takes long, the entries of w say which ones can fit: the
#     others are passed over unread. A hundred that can are read and sorted.
#
# An index that holds lists (`multikey`) has no order of documents, so no page is read from it.

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from index_ranges import (
    Range,
    ReadingTransaction,
    Where,
    bounded,
    entries_in,
    equalities,
    is_known,
    number_of,
    numbers_in,
    plain_indexes,
    range_of,
    ranges,
    scan,
    wider_ranges,
)
from secantus import commands
from secantus import storage as secantus_storage
from secantus.query import matches

_COUNT = {"$group": {"_id": 1, "n": {"$sum": 1}}}
"""How a driver asks for the number of what a filter selects."""
_OTHER_WAYS = ("hint", "collation", "min_bound", "max_bound")
_PATIENCE = 500
"""Entries that are looked through for a page where another index fits the filter better."""
_UNAIDED, _UNAIDED_BY_SEVERAL = 500, 100
"""Documents that are read for a page before other indexes are asked which ones can be on it.

One text is enough to expect the page to be full soon; several together are had by few.
"""
_SORTED_AT_ONCE = 100
"""Documents that are sorted rather than looked for in the order of an index."""


@dataclass(frozen=True, slots=True)
class _Page:
    """Which documents of all that fit are wanted: the first so many in this order."""

    sort: Mapping[str, Any]
    wanted: int
    variables: Any
    """What an expression of the filter may name."""


def install(storage: Any) -> None:
    """Has the storage, and the commands that count, try these ways first."""
    find, look_up, local = storage.find_matching, storage._try_index_id_keys, threading.local()

    def find_matching(
        database: str, collection: str, filter_: Any = None, *, sort: Any = None, **more: Any
    ) -> Any:
        wanted = more.get("limit", 0) and more["limit"] + more.get("skip", 0)
        plain = all(more.get(way) is None for way in _OTHER_WAYS)
        local.page = _Page(sort, wanted, more.get("let")) if sort and wanted and plain else None
        try:
            return find(database, collection, filter_, sort=sort, **more)
        finally:
            local.page = None

    def candidates(database: str, collection: str, filter_: dict[str, Any], **more: Any) -> Any:
        page, local.page = getattr(local, "page", None), None
        found = _read_page(storage, (database, collection), filter_, page) if page and filter_ else None
        if found is None and filter_ and "$and" in filter_ and more.get("collation") is None:
            found = _numbers(storage, (database, collection), filter_)
        return look_up(database, collection, bounded(filter_), **more) if found is None else found

    storage.find_matching, storage._try_index_id_keys = find_matching, candidates
    secantus_storage.UserTransactionHandle = ReadingTransaction
    commands._HANDLERS["aggregate"] = _counting(commands._HANDLERS["aggregate"])


def _read_page(storage: Any, where: Where, filter_: dict[str, Any], page: _Page) -> list[int] | None:
    """Return the numbers of a page's documents, in its order; None where no index has that order."""
    fields, equal, directions = list(page.sort), equalities(filter_), {*page.sort.values()}
    multikey = storage._multikey_index_names(*where)
    fitting = [
        (keys, name)
        for name, keys in plain_indexes(storage, where)
        if name not in multikey
        and keys[-len(fields) :] == fields
        and {*keys[: -len(fields)]} & equal.keys() == {*keys[: -len(fields)]} != set()
    ]
    if "_id" in filter_ or directions not in ({1}, {-1}) or not fitting:
        return None
    keys, name = max(fitting, key=lambda index: len(index[0]))
    values = [equal[key] for key in keys[: -len(fields)]]
    walk = _Walk(storage, filter_, page, ((*where, name), range_of(values, keys, filter_.get(fields[0]))))
    unsorted = {field: condition for field, condition in filter_.items() if field != fields[0]}
    others = wider_ranges(storage, where, unsorted)
    if not others:
        return walk.page(_PATIENCE if _fits_better(storage, where, filter_, {*keys}) else None)
    if not all(is_known(storage, other) for other in others):
        found = walk.page(_UNAIDED if len(others) == 1 else _UNAIDED_BY_SEVERAL)
        if found is not None:
            return found
    known = set.intersection(*(numbers_in(storage, other) for other in others))
    if len(known) <= _SORTED_AT_ONCE:
        return [number_of(packed) for packed in known]
    return walk.page(None, known)


@dataclass(frozen=True, slots=True)
class _Walk:
    """Goes through the entries of an index in the order of a page."""

    storage: Any
    filter: dict[str, Any]
    wanted: _Page
    entries: Range

    def page(self, patience: int | None, known: set[bytes] | None = None) -> list[int] | None:
        """Return the numbers of the page's documents, of `known` ones alone; None where patience ends."""
        index, between = self.entries
        backward, variables = {*self.wanted.sort.values()} == {-1}, self.wanted.variables
        found: list[int] = []
        for looked, packed in enumerate(scan(self.storage, index, between, backward=backward)):
            if looked == patience:
                return None
            if known is not None and packed not in known:
                continue
            number = number_of(packed)
            documents = self.storage._docs_by_recordids(*index[:2], [number])
            found += [number for document in documents if matches(document, self.filter, vars=variables)]
            if len(found) == self.wanted.wanted:
                break
        return found


def _fits_better(storage: Any, where: Where, filter_: dict[str, Any], keys: set[str]) -> bool:
    """Whether another index finds exactly what the filter selects, where this one finds more."""
    if filter_.keys() <= keys or any(field.startswith("$") for field in filter_):
        return False
    if all(not isinstance(condition, dict) for condition in filter_.values()):
        return storage._pick_compound_eq_index(*where, filter_) is not None
    return storage._pick_compound_range_index(*where, filter_) is not None


def _counting(aggregate: Any) -> Any:
    """Return the handler of `aggregate`, which counts by an index where one fits the filter exactly."""

    def handle(doc: dict[str, Any], ctx: Any) -> dict[str, Any]:
        where, number = (ctx.db_name, doc["aggregate"]), None
        if not doc.get("collation") and not doc.get("hint"):
            match doc.get("pipeline"):
                case [{"$match": filter_}, group] if filter_ and group == _COUNT:
                    number = _count(ctx.storage, where, filter_, 0)
                case [{"$match": filter_}, {"$limit": limit}, group] if filter_ and group == _COUNT:
                    number = _count(ctx.storage, where, filter_, limit)
        if number is None:
            handled: dict[str, Any] = aggregate(doc, ctx)
            return handled
        batch = [{"_id": 1, "n": number}] if number else []
        return {"cursor": {"id": 0, "ns": ".".join(where), "firstBatch": batch}, "ok": 1.0}

    return handle


def _count(storage: Any, where: Where, filter_: dict[str, Any], limit: int) -> int | None:
    """Return how many documents fit, at most `limit` unless it is 0; None where no index tells."""
    storage._refresh_read_snapshot()
    with storage._lock:
        found = ranges(storage, where, filter_)
        lists = storage._multikey_index_names(*where)
        if found and len(found) == 1 and not limit and found[0][0][-1] not in lists:
            return entries_in(storage, *found[0])  # each document has one
        numbers = _numbers(storage, where, filter_, limit)
    return None if numbers is None else len(numbers)


def _numbers(storage: Any, where: Where, filter_: dict[str, Any], limit: int = 0) -> list[int] | None:
    """Return the numbers of just the documents that fit, or of `limit` of them; None where no index tells."""
    found = ranges(storage, where, filter_)
    if found is None:
        return None
    if len(found) > 1:
        together = sorted(set.intersection(*(numbers_in(storage, one) for one in found)))
        return [number_of(packed) for packed in (together[:limit] if limit else together)]
    numbers: dict[bytes, None] = {}
    for packed in scan(storage, *found[0]):
        numbers[packed] = None  # a list has an entry for each of its elements
        if len(numbers) == limit:
            break
    return [number_of(packed) for packed in numbers]
