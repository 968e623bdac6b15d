"""A batch of decisions: what one transaction reads, decides and saves."""

# Invariant: an idempotency key decides each line once. A line that the key has approved already is answered
# with that approval and planned no more; all others are planned on one snapshot of the store. So a request
# that was cut off may be sent again as it was, and goes on where it stopped:
#
#   key k1, lines 1 2 3 4, batches of two: 1 2 saved, then killed
#   k1 again:  1 2 → replayed    3 4 → approved, or rejected with the line as it is now

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256

from billing.approvals.eligibility import (
    AgreementLineRef,
    LineDecision,
    PlannedWrite,
    Rejection,
    plan_write,
)
from billing.approvals.models import Approval, approval_id_of
from billing.audit.chain import AuditDraft, canonical_json
from billing.usage.calendar import TenantCalendar
from billing.usage.diff import LineRevision
from billing.usage.usage_line import UsageLine
from shared.contracts import Message
from shared.contracts.billing import ApprovalDecision
from shared.contracts.fields import plain
from shared.errors import TransientError


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """What one person asked to approve under one idempotency key; no line is named twice."""

    tenant_id: str
    person_id: str
    idempotency_key: str
    decisions: tuple[LineDecision, ...]

    @property
    def fingerprint(self) -> str:
        """64 hex digits, equal for equal requests; a quantity of `7`, `7.0` or `07` is one."""
        rows = [
            [decision.line_id, decision.seal, None if decision.quantity is None else plain(decision.quantity)]
            for decision in self.decisions
        ]
        return sha256(canonical_json(rows).encode()).hexdigest()

    def approval_id(self, line_id: str) -> str:
        return approval_id_of(self.tenant_id, self.person_id, self.idempotency_key, line_id)


@dataclass(frozen=True, slots=True)
class BatchSnapshot:
    """What a batch is decided on, read in one transaction."""

    lines: Mapping[str, UsageLine]
    writable: Collection[str]
    """Ids of the integrations that may be written to."""
    earlier: Mapping[str, Approval] = field(default_factory=dict)
    """What the key has approved already, by usage line."""
    in_flight: Mapping[AgreementLineRef, str] = field(default_factory=dict)
    """Ids of the approvals that wait for the result of their write, by agreement line."""


@dataclass(frozen=True, slots=True)
class ApprovedLine:
    """A decision that became an approval, now or when the same key was sent before."""

    line_id: str
    approval: Approval
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class RejectedLine:
    """A decision that was not carried out, with the line as it is now where there is one."""

    line_id: str
    rejection: Rejection
    line: UsageLine | None = None


LineResult = ApprovedLine | RejectedLine


class GroundOutdated(TransientError):
    """Lines of a batch must be calculated anew before anything is decided on them."""

    def __init__(self, line_ids: Collection[str]) -> None:
        super().__init__("what usage lines rest on keeps changing while they are approved", retry_after=1)
        self.line_ids = line_ids


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """What a batch comes to: a result for each decision, in order, and what is saved of it."""

    results: tuple[LineResult, ...]
    restated: tuple[LineRevision, ...] = ()
    """The lines that approvals were made on and that are not stored so yet."""

    @property
    def approvals(self) -> list[Approval]:
        """The new approvals, without those that are replayed."""
        return [
            result.approval
            for result in self.results
            if isinstance(result, ApprovedLine) and not result.replayed
        ]

    @property
    def drafts(self) -> list[AuditDraft]:
        return [approval.decision_draft() for approval in self.approvals]

    @property
    def messages(self) -> list[Message]:
        """For each new approval its event and its command."""
        pairs = ((approval.recorded_event(), approval.write_command()) for approval in self.approvals)
        return [message for pair in pairs for message in pair]


def decide_batch(
    request: ApprovalRequest,
    decisions: Sequence[LineDecision],
    snapshot: BatchSnapshot,
    *,
    now: datetime,
    valid_for: timedelta,
    calendar: TenantCalendar,
) -> BatchOutcome:
    """Decides on each line of a batch as the snapshot shows it; commands are valid for `valid_for`."""
    results: list[LineResult] = []
    for decision in decisions:
        line = snapshot.lines.get(decision.line_id)
        earlier = snapshot.earlier.get(decision.line_id)
        if earlier:
            results.append(ApprovedLine(decision.line_id, earlier, replayed=True))
            continue
        planned = plan_write(decision, line, writable=snapshot.writable, in_flight=snapshot.in_flight)
        if isinstance(planned, Rejection):
            results.append(RejectedLine(decision.line_id, planned, line))
        else:
            validity = _Validity(now, now + valid_for, calendar)
            approval = _approval(request, decision, planned, validity)
            results.append(ApprovedLine(decision.line_id, approval))
    return BatchOutcome(tuple(results))


@dataclass(frozen=True, slots=True)
class BatchJudge:
    """Decides on a batch as its lines are now: as stored, or as calculated anew where they are outdated."""

    decide: Callable[[BatchSnapshot], BatchOutcome]
    now: datetime
    fresh: Mapping[str, LineRevision] = field(default_factory=dict)
    """Lines that were calculated within the request, by id."""

    def current_lines(self, stored: Mapping[str, UsageLine]) -> dict[str, UsageLine]:
        """Returns the lines to decide on.

        Raises `GroundOutdated` for lines that time alone may have changed, and for those that were stored
        again since they were calculated: either may be the newer.
        """
        outdated = [line_id for line_id, line in stored.items() if self._is_outdated(line)]
        if outdated:
            raise GroundOutdated(outdated)
        anew = {line_id: revision.line for line_id, revision in self.fresh.items() if line_id in stored}
        return {**stored, **anew}

    def outcome(self, snapshot: BatchSnapshot) -> BatchOutcome:
        """Decides; an approval of a line that is not stored as it was judged has the line stored with it."""
        outcome = self.decide(snapshot)
        approved = (self.fresh.get(approval.line_id) for approval in outcome.approvals)
        restated = tuple(revision for revision in approved if revision and revision.announced)
        return replace(outcome, restated=restated)

    def _is_outdated(self, line: UsageLine) -> bool:
        fresh = self.fresh.get(line.line_id)
        if fresh is None:
            return line.recheck_at is not None and line.recheck_at <= self.now
        return fresh.before != line


@dataclass(frozen=True, slots=True)
class _Validity:
    """When a decision was made, and how long its command may wait; the calendar is its tenant's."""

    decided_at: datetime
    valid_until: datetime
    calendar: TenantCalendar


def _approval(
    request: ApprovalRequest, decision: LineDecision, write: PlannedWrite, validity: _Validity
) -> Approval:
    adjusted = decision.quantity is not None
    return Approval(
        approval_id=request.approval_id(decision.line_id),
        tenant_id=request.tenant_id,
        line_id=decision.line_id,
        seal=decision.seal,
        integration_id=write.agreement_line.integration_id,
        agreement_id=write.agreement_line.agreement_id,
        agreement_line_id=write.agreement_line.line_id,
        decision=ApprovalDecision.ADJUSTED if adjusted else ApprovalDecision.APPROVED,
        expected_current=write.expected_current,
        target=write.target,
        terms=write.terms,
        tenant_currency=validity.calendar.currency,
        day=validity.calendar.day(validity.decided_at),
        day_ends_at=validity.calendar.day_end(validity.decided_at),
        decided_by=request.person_id,
        decided_at=validity.decided_at,
        valid_until=validity.valid_until,
        idempotency_key=request.idempotency_key,
    )
