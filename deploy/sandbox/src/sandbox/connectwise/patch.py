"""Parses the values that PATCH and POST give an addition (Developer Guide, Patch: not RFC 6902)."""

# The vendor's dialect: paths are bare field names, `[{"op": "replace", "path": "quantity", "value": 14}]`.
# `/quantity`, `Quantity` and `product/id` name no field; whether they are refused or silently ignored is a
# switch, since both have been seen.  A value is stored in one canonical form or refused with 400:
#   quantity "14" → 14.0 (two public integrations send texts), true → 400, "nan" → 400
#   cancelledDate "2026-12-01" → "2026-12-01T00:00:00Z", null → the field is unset

import math
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sandbox.connectwise.errors import invalid
from sandbox.connectwise.fields import ADDITION, Record

BILLINGS = ("Billable", "DoNotBill", "NoCharge")


def parse_operations(body: Any) -> list[tuple[str, Any]]:
    """Return paths with their new values, None to unset; raises a 400 unless the body is an array of them."""
    if not isinstance(body, list) or not body:
        raise invalid(ADDITION.name, "patch", "an array of operations is expected", code="InvalidPatch")
    return [_parse_operation(item) for item in body]


def parse_value(field: str, value: Any) -> Any:
    """Return the value as it is stored; raises a 400 for an unknown field or a value of another kind."""
    if not is_writable(field):
        raise invalid(ADDITION.name, field, f"{field} is not a field that can be written")
    try:
        return WRITABLE[field](value)
    except (TypeError, ValueError, OverflowError):
        raise invalid(ADDITION.name, field, f"{value!r} cannot be stored in {field}") from None


def is_writable(path: str) -> bool:
    """Return whether the path is the bare name of a writable field, in its exact case."""
    return path in WRITABLE


def _parse_operation(item: Any) -> tuple[str, Any]:
    if not isinstance(item, dict) or item.get("op") not in ("add", "replace", "remove"):
        raise invalid(ADDITION.name, "op", "op must be add, replace or remove", code="InvalidPatch")
    if not isinstance(item.get("path"), str):
        raise invalid(ADDITION.name, "path", "path must be the name of a field", code="InvalidPatch")
    return item["path"], None if item["op"] == "remove" else item.get("value")


def _number(value: Any) -> float:
    # In Python `True` is a number; in the PSA it is not.
    number = math.nan if isinstance(value, bool) else float(value)
    if not math.isfinite(number):
        raise ValueError(value)
    return number


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(value)
    return value


def _billing(value: Any) -> str:
    if value not in BILLINGS:
        raise ValueError(value)
    return str(value)


def _date(value: Any) -> str:
    return datetime.fromisoformat(value).strftime("%Y-%m-%dT%H:%M:%SZ")


def _product(value: Any) -> Record:
    return {name: value[name] for name in ("id", "identifier") if name in value}


def _nullable(check: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else check(value)


_OPTIONAL: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("quantity", "lessIncluded", "unitPrice", "unitCost", "sequenceNumber"), _number),
    **dict.fromkeys(("effectiveDate", "cancelledDate"), _date),
    **dict.fromkeys(
        ("taxableFlag", "purchaseItemFlag", "specialOrderFlag", "prorateCurrentPeriodFlag"), _flag
    ),
    **dict.fromkeys(("serialNumber", "invoiceDescription"), _text),
}
WRITABLE: dict[str, Callable[[Any], Any]] = {
    **{name: _nullable(check) for name, check in _OPTIONAL.items()},
    "billCustomer": _billing,
    "product": _product,
}
