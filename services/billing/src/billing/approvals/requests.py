"""Query parameters and bodies of the requests about approvals."""

import re
from decimal import Decimal
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from billing.approvals.eligibility import LineDecision
from billing.approvals.models import ApprovalState
from shared.limits import record_hit
from shared.limits.people import DECISIONS, QUANTITY_CHARACTERS
from shared.plain_text import counted
from shared.web.pagination import PageRequest
from shared.web.requests import Id

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


class ApprovalPageRequest(PageRequest):
    """Which approvals."""

    state: ApprovalState | None = Field(None, description="Only approvals in this state.")


class DecisionRequest(BaseModel):
    """A decision on the line that the path names."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seal: Id = Field(description="The seal that the line showed when it was decided on.")
    quantity: Quantity | None = Field(None, description="Typed instead of the vendor's; a decimal string.")

    def on(self, line_id: str) -> LineDecision:
        return LineDecision(line_id, self.seal, self.quantity)


class LineDecisionRequest(DecisionRequest):
    """A decision on one line of many."""

    line_id: Id


class BulkDecisionRequest(BaseModel):
    """Decisions on many lines, each line once."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    items: Annotated[
        tuple[LineDecisionRequest, ...],
        Field(min_length=1, max_length=DECISIONS.most, description="Saved in batches, and each reported."),
        counted(DECISIONS),
    ]

    @model_validator(mode="after")
    def _each_line_once(self) -> Self:
        if len({item.line_id for item in self.items}) < len(self.items):
            raise ValueError("a line is named more than once: send each line once")
        return self

    def decisions(self) -> tuple[LineDecision, ...]:
        return tuple(item.on(item.line_id) for item in self.items)
