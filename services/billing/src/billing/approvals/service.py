"""Approving: a person's decisions become approvals, audit entries and commands, all or none of each batch."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Protocol

from billing.approvals.eligibility import Choice, PlannedWrite, Rejection, RejectionReason, judge_choice
from billing.approvals.models import VALID_FOR, Approval, ApprovalDecision, approval_id_of
from billing.audit.chain import AuditDraft, canonical
from billing.usage.usage_line import UsageLine
from shared.contracts import Message
from shared.contracts.base import plain, utc
from shared.errors import Conflict, TransientError

BATCH = 200
"""Lines in one transaction: large enough to share its cost, small enough to conflict rarely."""
_TRIES = 5


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """What one person asked to approve under one idempotency key; no line twice."""

    tenant_id: str
    person_id: str
    idempotency_key: str
    choices: tuple[Choice, ...]

    @property
    def fingerprint(self) -> str:
        """Equal for the same request; `7`, `7.0` and `07` are one."""
        rows = [
            [one.line_id, one.seal, None if one.quantity is None else plain(one.quantity)]
            for one in self.choices
        ]
        return sha256(canonical(rows).encode()).hexdigest()

    def approval_id(self, line_id: str) -> str:
        return approval_id_of(self.tenant_id, self.person_id, self.idempotency_key, line_id)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the store holds, in one snapshot, that a batch of decisions rests on."""

    lines: Mapping[str, UsageLine]
    active: Collection[str]
    """Ids of the integrations that may be written to."""
    earlier: Mapping[str, Approval] = field(default_factory=dict)
    """By usage line: what this key has approved already."""
    in_flight: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """Approval ids by integration and agreement line."""


@dataclass(frozen=True, slots=True)
class ChoiceResult:
    """What became of one choice: an approval, or an objection with the line as it is now."""

    line_id: str
    approval: Approval | None = None
    replayed: bool = False
    objected: Rejection | None = None
    line: UsageLine | None = None


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """What a batch comes to: its results, and what is saved and said with them."""

    results: tuple[ChoiceResult, ...]

    @property
    def approvals(self) -> list[Approval]:
        """The new ones."""
        return [one.approval for one in self.results if one.approval and not one.replayed]

    @property
    def drafts(self) -> list[AuditDraft]:
        return [approval.draft() for approval in self.approvals]

    @property
    def messages(self) -> list[Message]:
        both = ((approval.announcement(), approval.command()) for approval in self.approvals)
        return [message for pair in both for message in pair]


class ApprovalLedger(Protocol):
    """Where approvals are kept."""

    async def open(self, order: ApprovalRequest) -> bool:
        """Whether the key is new. Raises `RuleBroken` when it was used for a different request."""

    async def settle(
        self,
        order: ApprovalRequest,
        choices: Sequence[Choice],
        judge: Callable[[Snapshot], BatchOutcome],
        *,
        careful: bool,
    ) -> BatchOutcome:
        """Read, judge and save in one transaction.

        Unless `careful`, neither earlier approvals nor those in flight are looked up. Raises `Conflict`,
        with nothing saved, when a new approval meets one of these.
        """


class ApprovalService:
    """Decides one or many lines."""

    def __init__(
        self,
        ledger: ApprovalLedger,
        *,
        valid_for: timedelta = VALID_FOR,
        batch: int = BATCH,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._ledger, self._valid_for, self._batch, self._clock = ledger, valid_for, batch, clock

    async def approve(self, order: ApprovalRequest) -> list[ChoiceResult]:
        """One result for each choice, in order; sent again after a crash, it goes on where it stopped.

        Raises `RuleBroken` when the key was used for a different request.
        """
        careful = not await self._ledger.open(order)
        results: list[ChoiceResult] = []
        for start in range(0, len(order.choices), self._batch):
            some = order.choices[start : start + self._batch]
            results += (await self._settled(order, some, careful=careful)).results
        return results

    async def _settled(
        self, order: ApprovalRequest, choices: Sequence[Choice], *, careful: bool
    ) -> BatchOutcome:
        """Nearly always nothing is in the way, so looking for it is left to the second try."""
        for _ in range(_TRIES):
            try:
                return await self._ledger.settle(
                    order, choices, lambda found: self.judge(order, choices, found), careful=careful
                )
            except Conflict:
                careful = True
        raise TransientError(f"others keep approving the same lines of {order.tenant_id}", retry_after=1)

    def judge(self, order: ApprovalRequest, choices: Sequence[Choice], found: Snapshot) -> BatchOutcome:
        """What the choices come to on what was found; pure but for the time."""
        now = utc(self._clock())
        return BatchOutcome(tuple(self._result(order, choice, found, now) for choice in choices))

    def _result(self, order: ApprovalRequest, choice: Choice, found: Snapshot, now: datetime) -> ChoiceResult:
        earlier = found.earlier.get(choice.line_id)
        if earlier:
            return ChoiceResult(choice.line_id, earlier, replayed=True)
        line = found.lines.get(choice.line_id)
        verdict = judge_choice(choice, line, active=found.active)
        if isinstance(verdict, PlannedWrite):
            verdict = _already(verdict, found) or verdict
        if isinstance(verdict, Rejection):
            return ChoiceResult(choice.line_id, objected=verdict, line=line)
        return ChoiceResult(choice.line_id, self._approval(order, choice, verdict, now))

    def _approval(
        self, order: ApprovalRequest, choice: Choice, write: PlannedWrite, now: datetime
    ) -> Approval:
        return Approval(
            approval_id=order.approval_id(choice.line_id),
            tenant_id=order.tenant_id,
            line_id=choice.line_id,
            seal=choice.seal,
            integration_id=write.agreement_line.integration_id,
            agreement_id=write.agreement_line.agreement_id,
            agreement_line_id=write.agreement_line.line_id,
            decision=ApprovalDecision.APPROVED if choice.quantity is None else ApprovalDecision.ADJUSTED,
            expected_current=write.expected_current,
            target=write.target,
            decided_by=order.person_id,
            decided_at=now,
            valid_until=now + self._valid_for,
            idempotency_key=order.idempotency_key,
        )


def _already(write: PlannedWrite, found: Snapshot) -> Rejection | None:
    where = write.agreement_line
    other = found.in_flight.get((where.integration_id, where.line_id))
    if other is None:
        return None
    sentence = f"approval {other} is being written to agreement line {where.line_id}: wait for its result"
    return Rejection(RejectionReason.IN_FLIGHT, sentence)
