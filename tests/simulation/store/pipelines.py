"""Aggregates documents; exactly the stages that the product uses, and an error for any other."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from tests.simulation.store.expressions import evaluate, is_missing
from tests.simulation.store.filters import matches
from tests.simulation.store.values import compare, equal

Document = dict[str, Any]


def aggregate(
    documents: Iterable[Document], pipeline: Sequence[Mapping[str, Any]], now: datetime
) -> list[Document]:
    rows = list(documents)
    for stage in pipeline:
        [(name, operand)] = stage.items()
        if name == "$match":
            rows = [row for row in rows if matches(row, operand)]
        elif name == "$unwind":
            rows = [row | {operand[1:]: element} for row in rows for element in row.get(operand[1:]) or ()]
        elif name == "$group":
            rows = _group(rows, operand, now)
        else:
            raise NotImplementedError(f"the product uses no stage {name}")
    return rows


def _group(rows: list[Document], spec: Mapping[str, Any], now: datetime) -> list[Document]:
    groups: list[tuple[Any, list[Document]]] = []
    for row in rows:
        key = evaluate(spec["_id"], row, now)
        key = None if is_missing(key) else key
        members = next((members for other, members in groups if equal(key, other)), None)
        if members is None:
            groups.append((key, members := []))
        members.append(row)
    accumulators = {name: one for name, one in spec.items() if name != "_id"}
    return [
        {"_id": key} | {name: _accumulate(one, members, now) for name, one in accumulators.items()}
        for key, members in groups
    ]


def _accumulate(accumulator: Mapping[str, Any], members: list[Document], now: datetime) -> Any:
    [(name, expression)] = accumulator.items()
    values = [evaluate(expression, member, now) for member in members]
    known = [value for value in values if not is_missing(value) and value is not None]
    if name == "$sum":
        return sum(known)
    if name == "$max":
        best = None
        for value in known:
            if best is None or compare(value, best) > 0:
                best = value
        return best
    if name == "$addToSet":
        distinct: list[Any] = []
        for value in known:
            if not any(equal(value, other) for other in distinct):
                distinct.append(value)
        return distinct
    raise NotImplementedError(f"the product uses no accumulator {name}")
