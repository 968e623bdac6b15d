"""What a PATCH or POST may say about an addition (Developer Guide, Patch: the vendor's own dialect)."""

import math
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sandbox.connectwise.errors import invalid
from sandbox.connectwise.fields import ADDITION, Record

BILLINGS = ("Billable", "DoNotBill", "NoCharge")


def operations(body: Any) -> list[tuple[str, Any]]:
    """Fields with their new values, None to unset; only an array of operations will do."""
    if not isinstance(body, list) or not body:
        raise invalid(ADDITION.name, "patch", "an array of operations is expected", code="InvalidPatch")
    return [_operation(item) for item in body]


def checked(field: str, value: Any) -> Any:
    """The value as it is stored, or a 400; numbers may be texts, as two public integrations send them."""
    if not is_plain_field(field):
        raise invalid(ADDITION.name, field, f"{field} is not a field that can be written")
    try:
        return WRITABLE[field](value)
    except (TypeError, ValueError, OverflowError):
        raise invalid(ADDITION.name, field, f"{value!r} cannot be stored in {field}") from None


def is_plain_field(path: str) -> bool:
    """Whether the path is a bare, writable field name; case matters, `/quantity` is none."""
    return path in WRITABLE


def _operation(item: Any) -> tuple[str, Any]:
    if not isinstance(item, dict) or item.get("op") not in ("add", "replace", "remove"):
        raise invalid(ADDITION.name, "op", "op must be add, replace or remove", code="InvalidPatch")
    if not isinstance(item.get("path"), str):
        raise invalid(ADDITION.name, "path", "path must be the name of a field", code="InvalidPatch")
    return item["path"], None if item["op"] == "remove" else item.get("value")


def _number(value: Any) -> float:
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


def _unsettable(check: Callable[[Any], Any]) -> Callable[[Any], Any]:
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
    **{name: _unsettable(check) for name, check in _OPTIONAL.items()},
    "billCustomer": _billing,
    "product": _product,
}
