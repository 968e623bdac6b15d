"""Finds which documents SecantusDB's indexes have for a filter, entry by entry; see index_pages.py."""

# Invariant: a range holds every document that meets its condition, and `ranges` gives none at all unless they
# tell exactly what fits. A document has an entry in a range for each element of a list that meets it:
#
#   {t: 1, w: /^den/}                       index (t, w): from (1, "den") to (1, "den\U0010ffff…")
#   {t: 1, $and: [{w: /^den/}, {w: /^ca/}]}  two ranges; a document fits if both have it
#   {t: 1, p: true, w: /^den/}              the first range has what fits, and more: `wider_ranges` alone

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from key_bytes import beginning
from secantus.sortkey import COMPOUND_SEP, encode_value
from secantus.storage import _ENTRY_SEP, _IDX_ENTRIES_TABLE, UserTransactionHandle, _escape_kb

Where = tuple[str, str]
"""A database and a collection."""
Index = tuple[str, str, str]
"""A database, a collection and an index of it."""
Range = tuple[Index, tuple[bytes, bytes]]
"""The entries of an index between two keys."""

_LITERAL_PREFIX = re.compile(r"\^((?:[^\\.^$*+?{}\[\]|()]|\\\W)+)")
_LAST_CHARACTER = "\U0010ffff"
_LAST_MOMENT = datetime(9999, 12, 31, tzinfo=UTC)


def ranges(storage: Any, where: Where, filter_: dict[str, Any]) -> list[Range] | None:
    """Return the ranges that all have a document if it fits, and only then; None if it takes more to tell."""
    equal, conditions = equalities(filter_), _conditions(filter_)
    found = []
    for field, bounds in conditions or [("", None)]:
        fitting = [
            (name, keys)
            for name, keys in plain_indexes(storage, where)
            if {*keys[: len(equal)]} == equal.keys() and field in ("", *keys[len(equal) : len(equal) + 1])
        ]
        if not equal or not fitting or (field and bounds is None):
            return None
        name, keys = fitting[0]
        found.append(((*where, name), range_of([equal[key] for key in keys[: len(equal)]], keys, bounds)))
    return found


def wider_ranges(storage: Any, where: Where, filter_: dict[str, Any]) -> list[Range]:
    """Return ranges that each have all that fits: of every text by whose beginning an index finds some."""
    equal, found = equalities(filter_), []
    indexes = plain_indexes(storage, where)
    for field, bounds in _conditions(filter_):
        for name, keys in indexes if bounds else ():
            place = keys.index(field) if field in keys else 0
            if place and {*keys[:place]} <= equal.keys():
                found.append(((*where, name), range_of([equal[key] for key in keys[:place]], keys, bounds)))
                break
    return found


def _conditions(filter_: dict[str, Any]) -> list[tuple[str, dict[str, Any] | None]]:
    """Return all but the equalities: a field, and between which values those are that fit, if that tells."""
    conditions = [(field, value) for field, value in filter_.items() if field not in equalities(filter_)]
    conditions = [one for one in conditions if one[0] != "$and"]
    conditions += [condition for one in filter_.get("$and", ()) for condition in one.items()]
    return [(field, bounds_of(condition)) for field, condition in conditions]


def scan(
    storage: Any, index: Index, between: tuple[bytes, bytes], *, backward: bool = False
) -> Iterator[bytes]:
    """Yield the numbers of the documents that an index has between two keys, in its order or against it."""
    low, high = (beginning(*index) + end for end in between)
    cursor, step = _cursor_at(storage, high if backward else low, backward=backward)
    read = cursor._get_key
    while step is not None and low <= (key := read()) < high:
        yield key[-8:]  # an entry ends with the document's number
        if step() != 0:
            return


def _scan_all(storage: Any, index: Index, between: tuple[bytes, bytes]) -> set[bytes]:
    """Return what `scan` yields: of thousands, a third sooner."""
    low, high = (beginning(*index) + end for end in between)
    cursor, step = _cursor_at(storage, low, backward=False)
    if step is None:
        return set()
    found: list[bytes] = []
    read, add = cursor._get_key, found.append
    while (key := read()) < high:
        add(key[-8:])
        if step():
            break
    return {*found}


def entries_in(storage: Any, index: Index, between: tuple[bytes, bytes]) -> int:
    """Return how many entries an index has between two keys."""
    low, high = (beginning(*index) + end for end in between)
    cursor, step = _cursor_at(storage, low, backward=False)
    number, read = 0, cursor._get_key
    while step is not None and read() < high:
        number += 1
        if step():
            break
    return number


def _cursor_at(storage: Any, key: bytes, *, backward: bool) -> tuple[Any, Any]:
    """Return a cursor at the first entry from a key on, and how to step on; no step if there is none."""
    cursor = storage._cursor(_IDX_ENTRIES_TABLE)
    cursor._key = key  # kept from being collected, as `set_key` does
    cursor._set_key(key)
    near = cursor.search_near()  # at the key, before it (-1) or behind it (1), or nothing is there
    step, is_outside = (cursor.prev, near >= 0) if backward else (cursor.next, near < 0)
    is_there = near in (-1, 0, 1) and not (is_outside and step() != 0)
    return cursor, step if is_there else None


class ReadingTransaction(UserTransactionHandle):  # type: ignore[misc]
    """A transaction that looks a range through once, until it writes: it sees one moment."""

    def __init__(self, session: Any) -> None:
        super().__init__(session)
        self.ranges: dict[Range, set[bytes]] = {}


def numbers_in(storage: Any, range_: Range) -> set[bytes]:
    """Return the numbers of the documents of a range."""
    known = _known_ranges(storage)
    if range_ not in known:
        known[range_] = _scan_all(storage, *range_)
    return known[range_]


def is_known(storage: Any, range_: Range) -> bool:
    """Whether the transaction has looked the range through already."""
    return range_ in _known_ranges(storage)


def _known_ranges(storage: Any) -> dict[Range, set[bytes]]:
    transaction = getattr(storage._tls, "user_txn", None)
    return {} if transaction is None or transaction.written else transaction.ranges


def number_of(packed: bytes) -> int:
    return int.from_bytes(packed, "big", signed=True)


def range_of(values: list[Any], keys: list[str], condition: Any = None) -> tuple[bytes, bytes]:
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


def plain_indexes(storage: Any, where: Where) -> list[tuple[str, list[str]]]:
    """Return the ascending indexes that hold every document, compared by bytes."""
    options = storage._index_options_map(*where)
    return [
        (name, list(keys))
        for name, keys, sparse, _ in storage._all_indexes(*where)
        if not sparse
        and all(direction == 1 for direction in keys.values())
        and not options.get(name, {}).keys() & {"partialFilterExpression", "collation"}
    ]


def equalities(filter_: dict[str, Any]) -> dict[str, Any]:
    return {field: value for field, value in filter_.items() if type(value) in (str, bool, int)}


def bounded(filter_: dict[str, Any]) -> dict[str, Any]:
    """Return the filter with values between bounds where an index has only these between them."""
    return {field: bounds_of(condition) or condition for field, condition in (filter_ or {}).items()}


def bounds_of(condition: Any) -> dict[str, Any] | None:
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
