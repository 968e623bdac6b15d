"""How the document store compares values: by type first, then by value (BSON comparison order)."""

from datetime import datetime
from typing import Any

from bson.int64 import Int64

_RANKS: dict[type, int] = {
    type(None): 1,
    int: 2,
    float: 2,
    Int64: 2,
    str: 3,
    dict: 4,
    list: 5,
    bytes: 6,
    bool: 8,
    datetime: 9,
}


def rank(value: Any) -> int:
    """The place of the value's type in the order of types."""
    place = _RANKS.get(type(value))
    if place is not None:
        return place
    # An operand may be a text or a number of a type of its own; what is stored never is.
    for kind in (str, int):
        if isinstance(value, kind):
            return _RANKS[kind]
    raise NotImplementedError(f"no order for {type(value).__name__}")


def equal(left: Any, right: Any) -> bool:
    return rank(left) == rank(right) and bool(left == right)


def sort_key(value: Any) -> tuple[int, Any]:
    """A key by which values of any types sort; a missing value sorts as null."""
    place = rank(value)
    if place == 1:
        return place, 0
    if place == 5:
        return min((sort_key(element) for element in value), default=(0, 0))
    if place == 4:
        return place, [(name, sort_key(inner)) for name, inner in value.items()]
    return place, value


def compare(left: Any, right: Any) -> int:
    """-1, 0 or 1."""
    one, other = sort_key(left), sort_key(right)
    return (one > other) - (one < other)


def values_at(document: Any, path: str) -> list[Any]:
    """What is found at a dotted path; nothing when it is missing, several through a list."""
    name, _, rest = path.partition(".")
    if isinstance(document, list):
        return [found for element in document for found in values_at(element, path)]
    if not isinstance(document, dict) or name not in document:
        return []
    return values_at(document[name], rest) if rest else [document[name]]


def value_at(document: dict[str, Any], path: str) -> Any:
    """The one value at a path; None when it is missing."""
    found = values_at(document, path)
    return found[0] if found else None


def put_at(document: dict[str, Any], path: str, value: Any) -> None:
    """Sets the value at a path, in a document that belongs to the caller."""
    name, _, rest = path.partition(".")
    if rest:
        put_at(document.setdefault(name, {}), rest, value)
    else:
        document[name] = value


def copied(value: Any) -> Any:
    """A copy that shares nothing that can change."""
    if isinstance(value, dict):
        return {name: copied(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [copied(element) for element in value]
    return value
