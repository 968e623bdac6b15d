"""Query parameters and bodies of the requests about approvals."""

from decimal import Decimal
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from billing.approvals.eligibility import LineDecision
from billing.approvals.models import ApprovalState
from shared.web.pagination import PageRequest

MOST_DECISIONS = 20_000
"""In one request; a batch of them is saved at a time, and each is reported."""

Quantity = Annotated[
    Decimal,
    Field(
        ge=0, max_digits=18, decimal_places=6, description="Typed instead of the vendor's; a decimal string."
    ),
    AfterValidator(lambda quantity: quantity + 0),  # no negative zero
]


class ApprovalPageRequest(PageRequest):
    """Which approvals."""

    state: ApprovalState | None = Field(None, description="Only approvals in this state.")


class DecisionRequest(BaseModel):
    """A decision on the line that the path names."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seal: str = Field(max_length=100, description="The seal that the line showed when it was decided on.")
    quantity: Quantity | None = None

    def on(self, line_id: str) -> LineDecision:
        return LineDecision(line_id, self.seal, self.quantity)


class LineDecisionRequest(DecisionRequest):
    """A decision on one line of many."""

    line_id: str = Field(max_length=100)


class BulkDecisionRequest(BaseModel):
    """Decisions on many lines, each line once."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    items: tuple[LineDecisionRequest, ...] = Field(min_length=1, max_length=MOST_DECISIONS)

    @model_validator(mode="after")
    def _each_line_once(self) -> Self:
        if len({item.line_id for item in self.items}) < len(self.items):
            raise ValueError("a line is named more than once: send each line once")
        return self

    def decisions(self) -> tuple[LineDecision, ...]:
        return tuple(item.on(item.line_id) for item in self.items)
