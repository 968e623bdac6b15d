"""Bodies of the answers about approvals."""

from enum import StrEnum
from typing import Self

from pydantic import BaseModel

from billing.approvals.batch import ApprovedLine, LineResult
from billing.approvals.eligibility import RejectionReason
from billing.approvals.models import Approval


class DecisionStatus(StrEnum):
    """Whether a decision became an approval."""

    APPROVED = "approved"
    REFUSED = "refused"


class ApprovalPage(BaseModel):
    """Newest first; `next` is the `after` of the page behind."""

    approvals: tuple[Approval, ...]
    next: str | None


class DecisionResponse(BaseModel):
    """What became of the decision on one line of many; `reason` and `detail` are of refused ones."""

    line_id: str
    status: DecisionStatus
    approval_id: str | None = None
    reason: RejectionReason | None = None
    detail: str | None = None

    @classmethod
    def of(cls, result: LineResult) -> Self:
        if isinstance(result, ApprovedLine):
            approval_id = result.approval.approval_id
            return cls(line_id=result.line_id, status=DecisionStatus.APPROVED, approval_id=approval_id)
        rejection = result.rejection
        return cls(
            line_id=result.line_id,
            status=DecisionStatus.REFUSED,
            reason=rejection.reason,
            detail=rejection.detail,
        )


class BulkDecisionResponse(BaseModel):
    """In the order asked."""

    results: tuple[DecisionResponse, ...]
