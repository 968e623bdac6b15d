"""What a request may carry, in one place: cursors, keys and decisions."""

from decimal import Decimal
from typing import Annotated, Self

from fastapi import Header, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from billing.approvals.eligibility import Choice
from shared.contracts.base import RunKind

MANY = 20_000

After = Annotated[
    str | None, Query(max_length=400, description="`next` of the page before; none for the first.")
]
Limit = Annotated[int, Query(ge=1, le=500, description="How many at most.")]
IdempotencyKey = Annotated[
    str,
    Header(
        min_length=1,
        max_length=200,
        description="A new key for each decision. Sent again with the same request it changes nothing.",
    ),
]
Quantity = Annotated[
    Decimal,
    Field(
        ge=0, max_digits=18, decimal_places=6, description="Typed instead of the vendor's; a decimal string."
    ),
    AfterValidator(lambda quantity: quantity + 0),  # no negative zero
]


class DecisionRequest(BaseModel):
    """A decision on one line."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seal: str = Field(max_length=100, description="The seal that the line showed when it was decided on.")
    quantity: Quantity | None = None


class LineDecisionRequest(DecisionRequest):
    """A decision on one line of many."""

    line_id: str = Field(max_length=100)

    def choice(self) -> Choice:
        return Choice(self.line_id, self.seal, self.quantity)


class LineDecisionsRequest(BaseModel):
    """Many decisions, each line once."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    items: tuple[LineDecisionRequest, ...] = Field(min_length=1, max_length=MANY)

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len({item.line_id for item in self.items}) < len(self.items):
            raise ValueError("a line is named more than once: send each line once")
        return self


class SyncBody(BaseModel):
    """What kind of sync."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: RunKind = RunKind.FULL
