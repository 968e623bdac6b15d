"""Which documents a filter selects; it knows the operators that the product uses, and no other."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from tests.simulation.store.expressions import evaluate
from tests.simulation.store.values import equal, rank, sort_key, values_at

_TYPES = {"date": datetime, "string": str}


def matches(document: Mapping[str, Any], filter_: Mapping[str, Any], now: datetime | None = None) -> bool:
    """Tells whether it selects the document; `now` is the store's time, for expressions."""
    for path, condition in filter_.items():
        if path == "$or":
            if not any(matches(document, one) for one in condition):
                return False
        elif path == "$expr":
            if now is None or not evaluate(condition, dict(document), now):
                return False
        elif path == "$and":
            if not all(matches(document, one) for one in condition):
                return False
        elif path.startswith("$"):
            raise NotImplementedError(f"the product uses no {path}")
        elif not _meets(values_at(document, path), condition):
            return False
    return True


def wanted_ids(filter_: Mapping[str, Any]) -> list[str] | None:
    """The ids that a filter names; None when it names none, and all documents must be looked at."""
    condition = filter_.get("_id")
    if isinstance(condition, str):
        return [condition]
    if isinstance(condition, dict) and "$in" in condition:
        return list(dict.fromkeys(condition["$in"]))
    return None


def equalities(filter_: Mapping[str, Any]) -> dict[str, Any]:
    """What a document that an upsert inserts takes from the filter."""
    return {
        path: condition
        for path, condition in filter_.items()
        if not path.startswith("$") and not _is_operators(condition)
    }


def _meets(found: list[Any], condition: Any) -> bool:
    if not _is_operators(condition):
        return _equals_any(found, condition)
    return all(_OPERATORS[name](found, operand) for name, operand in condition.items())


def _is_operators(condition: Any) -> bool:
    if not isinstance(condition, Mapping):
        return False
    names = [name for name in condition if name.startswith("$")]
    if unknown := [name for name in names if name not in _OPERATORS]:
        raise NotImplementedError(f"the product uses no {unknown}")
    if len(names) != len(condition):
        raise NotImplementedError("the product compares no whole documents")
    return True


def _candidates(found: list[Any]) -> list[Any]:
    """The values themselves, and the elements of those that are lists."""
    return found + [element for value in found if isinstance(value, list) for element in value]


def _equals_any(found: list[Any], wanted: Any) -> bool:
    if wanted is None and not found:
        return True
    return any(equal(value, wanted) for value in _candidates(found))


def _in(found: list[Any], wanted: Any) -> bool:
    return any(_equals_any(found, one) for one in wanted)


def _ordered(test: Callable[[Any, Any], bool]) -> Callable[[list[Any], Any], bool]:
    def compare(found: list[Any], operand: Any) -> bool:
        place, key = rank(operand), sort_key(operand)
        return any(rank(value) == place and test(sort_key(value), key) for value in _candidates(found))

    return compare


def _has_type(found: list[Any], name: Any) -> bool:
    return any(isinstance(value, _TYPES[name]) for value in _candidates(found))


def _matches_pattern(found: list[Any], pattern: Any) -> bool:
    return any(isinstance(value, str) and re.search(pattern, value) for value in _candidates(found))


_OPERATORS: dict[str, Callable[[list[Any], Any], bool]] = {
    "$eq": _equals_any,
    "$ne": lambda found, operand: not _equals_any(found, operand),
    "$in": _in,
    "$nin": lambda found, operand: not _in(found, operand),
    "$gt": _ordered(lambda value, key: value > key),
    "$gte": _ordered(lambda value, key: value >= key),
    "$lt": _ordered(lambda value, key: value < key),
    "$lte": _ordered(lambda value, key: value <= key),
    "$exists": lambda found, operand: bool(found) is bool(operand),
    "$type": _has_type,
    "$regex": _matches_pattern,
}
