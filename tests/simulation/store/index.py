"""Indexes: which documents may match a filter, and what no two of them may have in common."""

# Invariant: whatever matches is among the candidates; whoever asks still matches each of them. A list is
# found by itself and by each of its elements, and a missing value as null.
#
#   state: queued → d1, d4   running → d2   null → d3     {"state": {"$in": ["queued", "running"]}} → d1 d4 d2

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.simulation.store.filters import matches
from tests.simulation.store.values import values_at

Document = Mapping[str, Any]
_SIMPLE = (str, bool, type(None))
_RANGES = {"$gt", "$gte", "$lt", "$lte"}


@dataclass(frozen=True, slots=True)
class UniqueIndex:
    """No two documents have the same values here."""

    fields: tuple[str, ...]
    where: Mapping[str, Any] | None = None

    def key(self, document: Document) -> tuple[Any, ...] | None:
        if self.where is not None and not matches(document, self.where):
            return None
        return tuple(repr(values_at(document, name)) for name in self.fields)


class FieldIndex:
    """The documents of one collection by their values of one field."""

    def __init__(self, field: str, documents: Iterable[Document]) -> None:
        self._field = field
        self._ids: dict[Any, dict[str, None]] = {}
        for document in documents:
            self.change(None, document)

    def change(self, before: Document | None, after: Document | None) -> None:
        """Takes over what became of a document."""
        document = after or before or {}
        old, new = (_keys(one, self._field) if one else set[Any]() for one in (before, after))
        for key in old - new:
            del self._ids[key][document["_id"]]
            if not self._ids[key]:
                del self._ids[key]
        for key in sorted(new - old, key=repr):
            self._ids.setdefault(key, {})[document["_id"]] = None

    def candidates(self, condition: Any) -> list[str] | None:
        """The ids of what may meet a condition; None for a condition that the index does not help with."""
        if isinstance(condition, _SIMPLE):
            return list(self._ids.get(_key(condition), ()))
        if not isinstance(condition, Mapping):
            return None
        wanted = condition.get("$in")
        if wanted is not None and all(isinstance(value, _SIMPLE) for value in wanted):
            return list(dict.fromkeys(id_ for value in wanted for id_ in self._ids.get(_key(value), ())))
        if _RANGES & condition.keys():  # nothing is before or after null
            keys = [key for key in self._ids if key != _key(None)]
            return list(dict.fromkeys(id_ for key in sorted(keys, key=repr) for id_ in self._ids[key]))
        return None


def indexed_field(filter_: Mapping[str, Any]) -> str | None:
    """The field of a filter to look up first; None when no index would help."""
    for path, condition in filter_.items():
        if path in {"_id", "tenant_id"} or path.startswith("$"):
            continue
        if isinstance(condition, _SIMPLE) and condition is not None:
            return path
        if isinstance(condition, Mapping) and (_RANGES & condition.keys() or "$in" in condition):
            return path
    return None


def _keys(document: Document, field: str) -> set[Any]:
    values = values_at(document, field) or [None]
    keys = {_key(value) for value in values}
    for value in values:
        if isinstance(value, list):
            keys |= {_key(element) for element in value}
    return keys


def _key(value: Any) -> Any:
    """What tells values apart: `True` is not 1; a value that is a document or a list stands for its kind."""
    kind = str if isinstance(value, str) else type(value)  # an operand may be of an enum
    return (kind.__name__, value if not isinstance(value, (dict, list)) else None)
