"""Converts what providers write as numbers, flags and days; what is none is refused, never guessed.

Every function raises `ValueError` or `TypeError` with a sentence that repeats the value.
"""

# Invariant: a value that comes out can be billed by, stored and reckoned with; whatever JSON goes in, nothing
# but these two errors comes out, and soon. Python's own conversions take more than any provider means:
#
#   Decimal("1_000"), Decimal(True), int(1.9), bool("false")   1000, 1, 1, True   here: refused
#   Decimal("1e9999999")                                       fits, and fills the memory once it is added up

import re
from datetime import date
from decimal import Decimal
from typing import Any, Final

from shared.contracts.fields import checked_read_number

_NUMBER: Final = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d{1,17})?", re.ASCII).fullmatch
"""With no larger exponent than `Decimal` takes."""
_WHOLE: Final = re.compile(r"-?\d{1,200}", re.ASCII).fullmatch
_FIRST_YEAR: Final = 1900
"""Before it nothing was agreed on; .NET writes an unset day as the first of year 1."""
_NO_END: Final = date(9999, 12, 30)
"""From here on a day is the calendar's end, in any time zone: the way to write that there is none."""
_MOST_QUOTED: Final = 40


def exact_number(value: Any) -> Decimal:
    """Returns the exact number: a JSON number, or a text that is one."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise TypeError(f"{_described(value)} is no number")
    if isinstance(value, str) and not _NUMBER(value.strip()):
        raise ValueError(f"{_described(value)} is no number")
    return checked_read_number(Decimal(str(value).strip() if isinstance(value, str | float) else value))


def exact_quantity(value: Any) -> Decimal:
    """Returns the exact number; a negative one counts nothing that could be billed."""
    number = exact_number(value)
    if number < 0:
        raise ValueError(f"{number} is no quantity")
    return number


def whole_number(value: Any) -> int:
    """Returns a whole number, or a text that is one."""
    if isinstance(value, str) and _WHOLE(value):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{_described(value)} is no whole number")
    return value


def flag(value: Any) -> bool:
    """Returns a truth value; a missing one is false."""
    if value is None or isinstance(value, bool):
        return bool(value)
    raise TypeError(f"{_described(value)} is no truth value")


def reckonable_day(day: date) -> date:
    """Returns the day as it is; one of the year 1 has no midnight in half of all time zones."""
    if day.year < _FIRST_YEAR:
        raise ValueError(f"{day} is no day on which anything was agreed")
    return day


def end_day(day: date | None) -> date | None:
    """Returns the day on which something ends; None for the end of the calendar."""
    return None if day is None or day >= _NO_END else day


def _described(value: Any) -> str:
    if isinstance(value, dict | list):
        return f"a {type(value).__name__}"
    text = repr(value) if isinstance(value, str | bool | None) else str(value)
    return text if len(text) <= _MOST_QUOTED else f"{text[:_MOST_QUOTED]}…"
