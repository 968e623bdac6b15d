"""A write that was asked of us and how far it has come; pure."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from shared.contracts.psa_sync import QuantityRefused, QuantityWritten, WriteQuantity, WriteRefusal

Result = QuantityWritten | QuantityRefused


class Stage(StrEnum):
    """How far a write has come; stored before the step that it announces."""

    WAITING = "waiting"
    """Nothing that was sent can still take effect."""
    SENDING = "sending"
    """Sent, or about to be: whether it took effect is not known."""
    SENT = "sent"
    """The PSA said yes; not proven yet."""
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class Intent:
    """One approved write and its progress; `version` moves with every stored step."""

    command: WriteQuantity
    received: str
    """Sortable: the writes to one line are made in this order."""
    due_at: datetime
    stage: Stage = Stage.WAITING
    version: int = 0
    sends: int = 0
    """How many of the sent writes may have taken effect."""
    clashes: int = 0
    """How often the PSA had the record in use."""
    proofs: int = 0
    """How often a read-back still showed the old number."""
    delays: int = 0
    acknowledged: Decimal | None = None
    """The quantity in the PSA's answer to the write."""
    request_ids: tuple[str, ...] = ()
    result: Result | None = None

    @property
    def finished(self) -> bool:
        return self.stage is Stage.FINISHED

    def due(self, now: datetime) -> bool:
        return not self.finished and self.due_at <= now

    def stored(self) -> "Intent":
        return replace(self, version=self.version + 1)

    def sending(self) -> "Intent":
        return replace(self, stage=Stage.SENDING, sends=self.sends + 1, delays=0)

    def sent(self, quantity: Decimal | None, request_id: str | None) -> "Intent":
        ids = (*self.request_ids, request_id) if request_id else self.request_ids
        return replace(self, stage=Stage.SENT, acknowledged=quantity, request_ids=ids)

    def unsent(self) -> "Intent":
        """The PSA took nothing this time; an earlier send may still leave the outcome open."""
        stage = Stage.SENDING if self.sends > 1 else Stage.WAITING
        return replace(self, stage=stage, sends=self.sends - 1)

    def clashed(self) -> "Intent":
        return replace(self.unsent(), clashes=self.clashes + 1)

    def unproven(self, until: datetime) -> "Intent":
        return replace(self, proofs=self.proofs + 1, due_at=until)

    def later(self, until: datetime) -> "Intent":
        return replace(self, delays=self.delays + 1, due_at=until)

    def written(self, at: datetime, *, sent: bool) -> "Intent":
        """Finished: the line was read and holds the target."""
        before = self.command.expected_current if sent else self.command.target
        proven = {"before": before, "after": self.command.target, "sent": sent, "proven_at": at}
        return self._finished(QuantityWritten(**self._about(), **proven))

    def refused(
        self, at: datetime, reason: WriteRefusal, *, detail: str, current: Decimal | None
    ) -> "Intent":
        """Finished without the target being known to stand in the PSA."""
        why = {"reason": reason, "detail": detail, "current": current, "refused_at": at}
        return self._finished(QuantityRefused(**self._about(), **why))

    def _finished(self, result: Result) -> "Intent":
        return replace(self, stage=Stage.FINISHED, result=result)

    def _about(self) -> dict[str, Any]:
        command = self.command
        return {
            "tenant_id": command.tenant_id,
            "integration_id": command.integration_id,
            "line_id": command.line_id,
            "approval_id": command.approval_id,
            "request_ids": self.request_ids,
        }
