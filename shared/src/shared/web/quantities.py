"""Quantities that people type."""

import re
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, Field

from shared.limits import record_hit
from shared.limits.people import QUANTITY_CHARACTERS

_DIGITS, _DECIMALS = 12, 6
_MOST_WHOLE = 10**_DIGITS - 1
_PLAIN_NUMBER = rf"^[0-9]{{1,{_DIGITS}}}(\.[0-9]{{1,{_DECIMALS}}})?$"


def _plain_number(value: object) -> object:
    """Refuses what only Python takes for a decimal, and JSON numbers that are no whole ones.

    `1_0`, `0E+9999999` and digits of other scripts are texts that Python reads. A JSON number with a
    fraction has been rounded to a float by whoever wrote it: only a text carries it as it was typed.
    """
    if isinstance(value, str):
        if re.fullmatch(_PLAIN_NUMBER, value, re.ASCII):
            return value
        if len(value) > QUANTITY_CHARACTERS.most:
            record_hit(QUANTITY_CHARACTERS)
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else -1
    if 0 <= number <= _MOST_WHOLE and number == int(number):
        return int(number)
    raise ValueError(
        f'this is a decimal text such as "7" or "6.5" ({_DIGITS} digits before the point and '
        f"{_DECIMALS} behind it at most), or a whole number"
    )


Quantity = Annotated[
    Decimal,
    Field(ge=0, max_digits=_DIGITS + _DECIMALS, decimal_places=_DECIMALS),
    BeforeValidator(
        _plain_number,
        json_schema_input_type=Annotated[
            str, Field(max_length=QUANTITY_CHARACTERS.most, pattern=_PLAIN_NUMBER)
        ]
        | Annotated[int, Field(ge=0, le=_MOST_WHOLE)],
    ),
]
"""A quantity in a request: a decimal text, or a whole number."""
PositiveQuantity = Annotated[Quantity, Field(gt=0)]
