"""What an update makes of a document; it knows the operators that the product uses, and no other."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from tests.simulation.store.expressions import evaluate, is_missing
from tests.simulation.store.values import compare, copied, equal, put_at, values_at

Document = dict[str, Any]


def updated(
    document: Mapping[str, Any],
    update: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    now: datetime,
    *,
    inserts: bool = False,
) -> Document:
    """Returns the document as the update leaves it; `inserts` tells whether an upsert is inserting it."""
    after: Document = copied(dict(document))
    if not isinstance(update, Mapping):
        for stage in update:
            after = _stage(after, stage, now)
        return after
    for operator, fields in update.items():
        if operator == "$setOnInsert":
            if inserts:
                for path, value in fields.items():
                    put_at(after, path, value)
            continue
        for path, operand in fields.items():
            _OPERATORS[operator](after, path, operand)
    return after


def _stage(document: Document, stage: Mapping[str, Any], now: datetime) -> Document:
    [(operator, fields)] = stage.items()
    if operator != "$set":
        raise NotImplementedError(f"the product uses no stage {operator} in updates")
    values = {path: evaluate(expression, document, now) for path, expression in fields.items()}
    for path, value in values.items():
        if not is_missing(value):
            put_at(document, path, value)
    return document


def _current(document: Document, path: str) -> Any:
    found = values_at(document, path)
    return found[0] if found else None


def _increase(document: Document, path: str, by: Any) -> None:
    put_at(document, path, (_current(document, path) or 0) + by)


def _raise_to(document: Document, path: str, value: Any) -> None:
    found = values_at(document, path)
    if not found or compare(value, found[0]) > 0:
        put_at(document, path, value)


def _push(document: Document, path: str, value: Any) -> None:
    put_at(document, path, [*(_current(document, path) or []), *_each(value)])


def _add_to_set(document: Document, path: str, value: Any) -> None:
    elements = list(_current(document, path) or [])
    for one in _each(value):
        if not any(equal(one, element) for element in elements):
            elements.append(one)
    put_at(document, path, elements)


def _each(value: Any) -> list[Any]:
    return list(value["$each"]) if isinstance(value, dict) and "$each" in value else [value]


def _remove(document: Document, path: str, _: Any) -> None:
    *parents, name = path.split(".")
    holder = _current(document, ".".join(parents)) if parents else document
    if isinstance(holder, dict):
        holder.pop(name, None)


_OPERATORS: dict[str, Callable[[Document, str, Any], None]] = {
    "$set": put_at,
    "$unset": _remove,
    "$inc": _increase,
    "$max": _raise_to,
    "$push": _push,
    "$addToSet": _add_to_set,
}
