"""Query parameters and bodies of the requests about approvals."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from billing.approvals.eligibility import LineDecision
from billing.approvals.models import ApprovalState
from shared.limits.people import DECISIONS
from shared.plain_text import counted
from shared.web.pagination import PageRequest
from shared.web.quantities import Quantity
from shared.web.requests import Id


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
