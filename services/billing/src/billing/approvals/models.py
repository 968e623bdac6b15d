"""An approval: a person's decision on one usage line, from the command to the proof."""

# Invariant: an approval leaves `commanded` once, by the first result that is received, and is final then.
# When its line changes before that, the command is asked to be cancelled; the result says what came of it.
#
#   commanded ── written ───────────────────── the PSA holds `after`; proven by reading it back
#             ├─ refused ───────────────────── nothing was written: conflict, rejected, expired,
#             │                                cancelled
#             └─ quarantined ───────────────── it was sent, and stands not provably as approved: a person
#                                              must look

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict

from billing.audit.chain import AuditDraft
from billing.usage.collision import CollisionKind, WriteCollision
from billing.usage.seal import seals_if_billed
from billing.usage.usage_line import UsageLine
from shared.contracts.base import NoNumber, opaque
from shared.contracts.billing import ApprovalDecision, ApprovalRecorded
from shared.contracts.fields import Number
from shared.contracts.psa_sync import CancelWrite, QuantityRefused, QuantityWritten, WriteQuantity
from shared.contracts.quantity_write import ForeignWrite, LineTerms, WriteRefusal

VALID_FOR = timedelta(minutes=30)
"""How long a command may wait to be carried out, unless the settings say otherwise."""
MOST_VALID_FOR = timedelta(hours=12)
"""So a command meets one midnight of its tenant at most, and says when (`day_ends_at`)."""

WriteResult = QuantityWritten | QuantityRefused
"""What the PSA's side reports of a command."""

_AUDITED = {
    "line_id",
    "seal",
    "integration_id",
    "agreement_id",
    "agreement_line_id",
    "decision",
    "expected_current",
    "target",
    "terms",
    "day",
    "valid_until",
    "idempotency_key",
}


class ApprovalState(StrEnum):
    """What has become of an approval; only `commanded` is in flight."""

    COMMANDED = "commanded"
    WRITTEN = "written"
    REFUSED = "refused"
    QUARANTINED = "quarantined"
    """The quantity was sent, and nothing proves that the line holds it as approved; a person must look."""


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
    terms: LineTerms
    """What the person was shown of the agreement line besides its quantity."""
    tenant_currency: str | None
    day: date
    """The tenant's day of the decision, on which the agreement line was open."""
    day_ends_at: AwareDatetime
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
    sent: bool | None = None
    """Whether the quantity was sent; None while there is no result."""
    overwritten: ForeignWrite | None = None
    """What somebody else had written after our first request, and ours replaced."""
    followed_by: ForeignWrite | None = None
    """Who changed the line after our write, without changing its quantity."""
    foreign: ForeignWrite | None = None
    """Whose number stood in the way of the write."""
    request_ids: tuple[str, ...] = ()
    ended_at: AwareDatetime | None = None
    cancelled_because: str | None = None
    """Why the command was asked to be cancelled; what became of it the result alone says."""

    @property
    def subject(self) -> str:
        """The approval as the audit log names it."""
        return f"approval:{self.approval_id}"

    def recorded_event(self) -> ApprovalRecorded:
        """Returns the event that announces the decision."""
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

    def write_command(self) -> WriteQuantity:
        """Returns the command that asks the PSA's side to carry out the decision."""
        return WriteQuantity(
            tenant_id=self.tenant_id,
            integration_id=self.integration_id,
            agreement_id=self.agreement_id,
            line_id=self.agreement_line_id,
            approval_id=self.approval_id,
            expected_current=self.expected_current,
            target=self.target,
            terms=self.terms,
            tenant_currency=self.tenant_currency,
            day=self.day,
            day_ends_at=self.day_ends_at,
            decided_at=self.decided_at,
            valid_until=self.valid_until,
        )

    def broken_by(self, line: UsageLine) -> str | None:
        """Returns what about its usage line, as it is now, is not what was approved; None when it all is.

        Our own write changes the line, and its seal, before its result comes: a line that differs only in
        holding the target is as it was approved. The read-back makes a stale count fresh, and a run that
        meets the write reads the line again, which is `unread` until then; what is held is another matter.
        """
        if not line.present:
            return f"usage line {line.line_id} is not there any more"
        if line.seal == self.seal or self._is_written_to(line):
            return None
        return f"usage line {line.line_id} is not what was approved any more"

    def _is_written_to(self, line: UsageLine) -> bool:
        billed = line.agreement_line
        holds_target = (
            billed is not None
            and billed.integration_id == self.integration_id
            and billed.line_id == self.agreement_line_id
            and billed.quantity == self.target
        )
        is_our_doing = line.psa_count.missing not in (NoNumber.HELD, NoNumber.FAILED)
        return holds_target and is_our_doing and self.seal in seals_if_billed(line, self.expected_current)

    @property
    def collision(self) -> WriteCollision | None:
        """The write of somebody else that met ours; None when no reading showed one."""
        met = {
            CollisionKind.IN_THE_WAY: self.foreign,
            CollisionKind.OVERWRITTEN: self.overwritten,
            CollisionKind.FOLLOWED: self.followed_by,
        }
        for kind, theirs in met.items():
            if theirs and self.ended_at:
                ids = {"approval_id": self.approval_id, "ours": self.target, "ended_at": self.ended_at}
                return WriteCollision(kind=kind, theirs=theirs, **ids)
        return None

    def cancelled(self, why: str) -> Self:
        return self.model_copy(update={"cancelled_because": why})

    def cancel_command(self, why: str) -> CancelWrite:
        """Returns the command that asks the PSA's side not to carry out the decision any more."""
        return CancelWrite(
            tenant_id=self.tenant_id,
            integration_id=self.integration_id,
            line_id=self.agreement_line_id,
            approval_id=self.approval_id,
            reason=why,
        )

    def decision_draft(self) -> AuditDraft:
        """Returns what the audit log says of the decision."""
        details = self.model_dump(mode="json", include=_AUDITED)
        return AuditDraft(self.decided_at, self.decided_by, "approval.recorded", self.subject, details)

    def result_draft(self, result: WriteResult, now: datetime, reporter: str) -> AuditDraft:
        """Returns what the audit log says of a result, at the moment it is received."""
        action = "quantity.written" if isinstance(result, QuantityWritten) else "quantity.refused"
        details = result.model_dump(mode="json", exclude={"tenant_id", "approval_id"})
        details["usage_line_id"] = self.line_id  # the result's own `line_id` is the agreement line's
        return AuditDraft(now, reporter, action, self.subject, details)

    def closed_by(self, result: WriteResult) -> Self:
        """Returns the approval as a result leaves it."""
        outcome: dict[str, Any]
        if isinstance(result, QuantityWritten):
            outcome = {
                "state": ApprovalState.WRITTEN,
                "before": result.before,
                "after": result.after,
                "overwritten": result.overwritten,
                "followed_by": result.followed_by,
                "ended_at": result.proven_at,
            }
        else:
            contested = result.sent and result.reason is WriteRefusal.CONFLICT
            unclear = contested or result.reason is WriteRefusal.UNKNOWN_OUTCOME
            outcome = {
                "state": ApprovalState.QUARANTINED if unclear else ApprovalState.REFUSED,
                "reason": result.reason,
                "detail": result.detail,
                "before": result.current,
                "foreign": result.foreign,
                "ended_at": result.refused_at,
            }
        return self.model_copy(update=outcome | {"sent": result.sent, "request_ids": result.request_ids})


@dataclass(frozen=True, slots=True)
class ClosedApprovals:
    """Approvals that results have closed, and what the audit log says of each."""

    approvals: tuple[Approval, ...]
    drafts: tuple[AuditDraft, ...]


def approval_id_of(tenant_id: str, person_id: str, idempotency_key: str, line_id: str) -> str:
    """The same key of the same person for the same line is the same approval."""
    return "apr_" + opaque(tenant_id, person_id, idempotency_key, line_id)
