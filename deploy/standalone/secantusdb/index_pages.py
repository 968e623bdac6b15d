"""Has SecantusDB read pages and counts from its indexes; with server.py all that imports SecantusDB.

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
#
# An index that holds lists (`multikey`) has no order of documents, so no page is read from it.

import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from key_bytes import beginning
from secantus import commands
from secantus.query import matches
from secantus.sortkey import COMPOUND_SEP, encode_value
from secantus.storage import _ENTRY_SEP, _IDX_ENTRIES_TABLE, _escape_kb

Where = tuple[str, str]
"""A database and a collection."""

_LITERAL_PREFIX = re.compile(r"\^((?:[^\\.^$*+?{}\[\]|()]|\\\W)+)")
_LAST_CHARACTER = "\U0010ffff"
_LAST_MOMENT = datetime(9999, 12, 31, tzinfo=UTC)
_COUNT = {"$group": {"_id": 1, "n": {"$sum": 1}}}
"""How a driver asks for the number of what a filter selects."""
_OTHER_WAYS = ("hint", "collation", "min_bound", "max_bound")
_PATIENCE = 500
"""Entries that are looked through for a page where another index fits the filter better."""


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
        return look_up(database, collection, _bounded(filter_), **more) if found is None else found

    storage.find_matching, storage._try_index_id_keys = find_matching, candidates
    commands._HANDLERS["aggregate"] = _counting(commands._HANDLERS["aggregate"])


def _read_page(storage: Any, where: Where, filter_: dict[str, Any], page: _Page) -> list[int] | None:
    """Return the numbers of a page's documents, in its order; None where no index has that order."""
    fields, equal, directions = list(page.sort), _equalities(filter_), {*page.sort.values()}
    multikey = storage._multikey_index_names(*where)
    fitting = [
        (keys, name)
        for name, keys in _plain_indexes(storage, where)
        if name not in multikey
        and keys[-len(fields) :] == fields
        and {*keys[: -len(fields)]} & equal.keys() == {*keys[: -len(fields)]} != set()
    ]
    if "_id" in filter_ or directions not in ({1}, {-1}) or not fitting:
        return None
    keys, name = max(fitting, key=lambda index: len(index[0]))
    values = [equal[key] for key in keys[: -len(fields)]]
    between = _range(values, keys, filter_.get(fields[0]))
    patience = _PATIENCE if _fits_better(storage, where, filter_, {*keys}) else None
    found: list[int] = []
    for looked, number in enumerate(_scan(storage, (*where, name), between, backward=directions == {-1})):
        if looked == patience:
            return None
        documents = storage._docs_by_recordids(*where, [number])
        found += [number for document in documents if matches(document, filter_, vars=page.variables)]
        if len(found) == page.wanted:
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
        numbers = _numbers(storage, where, filter_, limit)
    return None if numbers is None else len(numbers)


def _numbers(storage: Any, where: Where, filter_: dict[str, Any], limit: int = 0) -> list[int] | None:
    """Return the numbers of just the documents that fit, or of `limit` of them; None where no index tells."""
    ranges = _ranges(storage, where, filter_)
    if ranges is None:
        return None
    *others, (index, between) = ranges
    known = [set(_scan(storage, *other)) for other in others]
    numbers: dict[int, None] = {}
    for number in _scan(storage, index, between):
        if all(number in one for one in known):
            numbers[number] = None  # a list has an entry for each of its elements
            if len(numbers) == limit:
                break
    return list(numbers)


def _ranges(storage: Any, where: Where, filter_: dict[str, Any]) -> list[Any] | None:
    """Return the ranges of indexes that all have a document if it fits; None if it takes more to tell."""
    equal, rest = _equalities(filter_), filter_.get("$and", ())
    conditions = [(field, value) for field, value in filter_.items() if field not in {*equal, "$and"}]
    conditions += [condition for one in rest for condition in one.items()]
    between = [(field, _bounds(condition)) for field, condition in conditions]
    ranges = []
    for field, bounds in between or [("", None)]:
        fitting = [
            (name, keys)
            for name, keys in _plain_indexes(storage, where)
            if {*keys[: len(equal)]} == equal.keys() and field in ("", *keys[len(equal) : len(equal) + 1])
        ]
        if not equal or not fitting or (field and bounds is None):
            return None
        name, keys = fitting[0]
        ranges.append(((*where, name), _range([equal[key] for key in keys[: len(equal)]], keys, bounds)))
    return ranges


def _scan(
    storage: Any, index: tuple[str, str, str], between: tuple[bytes, bytes], *, backward: bool = False
) -> Iterator[int]:
    """Yield the numbers of the documents that an index has between two keys, in its order or against it."""
    low, high = (beginning(*index) + end for end in between)
    cursor = storage._cursor(_IDX_ENTRIES_TABLE)
    cursor._key = high if backward else low  # kept from being collected, as `set_key` does
    cursor._set_key(cursor._key)
    near = cursor.search_near()  # at the key, before it (-1) or behind it (1), or nothing is there
    step, is_outside = (cursor.prev, near >= 0) if backward else (cursor.next, near < 0)
    if near not in (-1, 0, 1) or (is_outside and step() != 0):
        return
    read = cursor._get_key
    while low <= (key := read()) < high:
        yield int.from_bytes(key[-8:], "big", signed=True)  # an entry ends with the document's number
        if step() != 0:
            return


def _range(values: list[Any], keys: list[str], condition: Any = None) -> tuple[bytes, bytes]:
    """Return between which keys an index has these first values, and a next one that meets the condition.

    A bound that is excluded is inside: what it finds is compared with the filter.
    """
    start = COMPOUND_SEP.join(encode_value(value) for value in values)
    if len(values) == len(keys):
        return _escape_kb(start) + _ENTRY_SEP, _escape_kb(start) + _ENTRY_SEP + b"\xff"
    start += COMPOUND_SEP
    low, high = _escape_kb(start), _escape_kb(start) + b"\xff"
    for operator, bound in condition.items() if isinstance(condition, dict) else ():
        if operator in ("$gt", "$gte"):
            low = max(low, _escape_kb(start + encode_value(bound)))
        elif operator in ("$lt", "$lte"):
            high = min(high, _escape_kb(start + encode_value(bound)) + b"\x01")
    return low, high


def _plain_indexes(storage: Any, where: Where) -> list[tuple[str, list[str]]]:
    """Return the ascending indexes that hold every document, compared by bytes."""
    options = storage._index_options_map(*where)
    return [
        (name, list(keys))
        for name, keys, sparse, _ in storage._all_indexes(*where)
        if not sparse
        and all(direction == 1 for direction in keys.values())
        and not options.get(name, {}).keys() & {"partialFilterExpression", "collation"}
    ]


def _equalities(filter_: dict[str, Any]) -> dict[str, Any]:
    return {field: value for field, value in filter_.items() if type(value) in (str, bool, int)}


def _bounded(filter_: dict[str, Any]) -> dict[str, Any]:
    """Return the filter with values between bounds where an index has only these between them."""
    return {field: _bounds(condition) or condition for field, condition in (filter_ or {}).items()}


def _bounds(condition: Any) -> dict[str, Any] | None:
    """Return between which values those are that a pattern `^literal` fits, or that are not before a moment.

    Return None for anything else.
    """
    match condition:
        case {"$regex": str(pattern), **more} if not more and (found := _LITERAL_PREFIX.fullmatch(pattern)):
            literal = re.sub(r"\\(\W)", r"\1", found[1])
            return {"$gte": literal, "$lt": literal + _LAST_CHARACTER}
        case {"$gte": datetime() as moment, **more} if not more:
            return {"$gte": moment, "$lt": _LAST_MOMENT}
    return None
