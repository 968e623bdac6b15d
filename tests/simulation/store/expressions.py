"""Evaluates the expressions of pipelines; exactly those that the product uses, and an error for any other."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.simulation.store.values import compare, values_at

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MISSING = object()
"""What a field that is not there evaluates to: a field that is set to it is not set."""


def evaluate(expression: Any, document: dict[str, Any], now: datetime) -> Any:
    """The value for one document; `is_missing` tells whether there is none."""
    if isinstance(expression, str) and expression.startswith("$"):
        return _variable(expression, document, now)
    if isinstance(expression, list):
        return [_or_none(evaluate(one, document, now)) for one in expression]
    if not isinstance(expression, dict):
        return expression
    if len(expression) == 1 and next(iter(expression)).startswith("$"):
        [(name, operand)] = expression.items()
        if name == "$cond":
            condition, yes, no = operand
            return evaluate(yes if evaluate(condition, document, now) else no, document, now)
        operands = operand if isinstance(operand, list) else [operand]
        return _OPERATORS[name]([_or_none(evaluate(one, document, now)) for one in operands])
    return {name: _or_none(evaluate(one, document, now)) for name, one in expression.items()}


def is_missing(value: Any) -> bool:
    return value is _MISSING


def _variable(name: str, document: dict[str, Any], now: datetime) -> Any:
    if name == "$$NOW":
        return now
    if name.startswith("$$"):
        raise NotImplementedError(f"the product uses no {name}")
    found = values_at(document, name[1:])
    return found[0] if found else _MISSING


def _or_none(value: Any) -> Any:
    return None if value is _MISSING else value


def _to_long(operands: list[Any]) -> Any:
    [value] = operands
    if isinstance(value, datetime):
        return (value - _EPOCH) // timedelta(milliseconds=1)
    return None if value is None else int(value)


def _add(operands: list[Any]) -> Any:
    if any(value is None for value in operands):
        return None
    dates = [value for value in operands if isinstance(value, datetime)]
    numbers = sum(value for value in operands if not isinstance(value, datetime))
    return dates[0] + timedelta(milliseconds=numbers) if dates else numbers


def _multiply(operands: list[Any]) -> Any:
    result = 1
    for value in operands:
        if value is None:
            return None
        result *= value
    return result


def _max(operands: list[Any]) -> Any:
    best = None
    for value in operands:
        if value is not None and (best is None or compare(value, best) > 0):
            best = value
    return best


def _element(operands: list[Any]) -> Any:
    values, index = operands
    return values[index] if values is not None and -len(values) <= index < len(values) else _MISSING


_OPERATORS: dict[str, Callable[[list[Any]], Any]] = {
    "$add": _add,
    "$multiply": _multiply,
    "$max": _max,
    "$toLong": _to_long,
    "$arrayElemAt": _element,
    "$not": lambda one: not one[0],
    "$lt": lambda two: compare(*two) < 0,
    "$lte": lambda two: compare(*two) <= 0,
    "$gt": lambda two: compare(*two) > 0,
    "$gte": lambda two: compare(*two) >= 0,
    "$eq": lambda two: compare(*two) == 0,
}
