"""An approval: a person's decision on one usage line, from the command to the proof."""

from datetime import timedelta
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict

from billing.audit.chain import AuditDraft
from shared.contracts.base import Number, opaque
from shared.contracts.billing import ApprovalRecorded
from shared.contracts.psa_sync import WriteQuantity, WriteRefusal

VALID_FOR = timedelta(hours=24)
"""How long a command may wait to be carried out, unless the settings say otherwise."""


_AUDITED = {
    "line_id",
    "seal",
    "integration_id",
    "agreement_id",
    "agreement_line_id",
    "decision",
    "expected_current",
    "target",
    "valid_until",
    "idempotency_key",
}


class ApprovalState(StrEnum):
    """Where an approval stands; only `commanded` is in flight."""

    COMMANDED = "commanded"
    WRITTEN = "written"
    REFUSED = "refused"
    QUARANTINED = "quarantined"
    """Whether it was written could not be learnt; a person must look."""


class ApprovalDecision(StrEnum):
    """Whether the vendor's number was taken as it is, or a person typed one."""

    APPROVED = "approved"
    ADJUSTED = "adjusted"


class Approval(BaseModel):
    """A decision, sealed with the evidence it was made on, and what became of it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    approval_id: str
    tenant_id: str
    line_id: str
    seal: str
    integration_id: str
    agreement_id: str
    agreement_line_id: str
    decision: ApprovalDecision
    expected_current: Number
    """What the PSA billed when the decision was made."""
    target: Number
    decided_by: str
    decided_at: AwareDatetime
    valid_until: AwareDatetime
    idempotency_key: str
    state: ApprovalState = ApprovalState.COMMANDED
    reason: WriteRefusal | None = None
    detail: str | None = None
    before: Number | None = None
    """What the PSA held before the write, or when it was refused."""
    after: Number | None = None
    request_ids: tuple[str, ...] = ()
    ended_at: AwareDatetime | None = None

    def announcement(self) -> ApprovalRecorded:
        """What the world is told."""
        return ApprovalRecorded(
            tenant_id=self.tenant_id,
            approval_id=self.approval_id,
            line_id=self.line_id,
            decision=self.decision,
            quantity=self.target,
            seal=self.seal,
            decided_by=self.decided_by,
            decided_at=self.decided_at,
        )

    def command(self) -> WriteQuantity:
        """What the PSA's side is asked to do."""
        return WriteQuantity(
            tenant_id=self.tenant_id,
            integration_id=self.integration_id,
            agreement_id=self.agreement_id,
            line_id=self.agreement_line_id,
            approval_id=self.approval_id,
            expected_current=self.expected_current,
            target=self.target,
            valid_until=self.valid_until,
        )

    def draft(self) -> AuditDraft:
        """What the audit log says of the decision."""
        details = self.model_dump(mode="json", include=_AUDITED)
        return AuditDraft(self.decided_at, self.decided_by, "approval.recorded", self.subject, details)

    @property
    def subject(self) -> str:
        return f"approval:{self.approval_id}"


def approval_id_of(tenant_id: str, person_id: str, idempotency_key: str, line_id: str) -> str:
    """The same key of the same person for the same line is the same approval."""
    return "apr_" + opaque(tenant_id, person_id, idempotency_key, line_id)
