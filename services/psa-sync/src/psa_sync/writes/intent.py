"""An approved write and how far it has come: what is stored of it, and how it moves on; pure."""

# Invariant: a stage is stored before the step that it announces, and whoever finds `sending` reads first.
#
#            begin_send               acknowledge
#   WAITING ────────────▶  SENDING  ─────────────▶  SENT  ↺ record_unproven: the old number is still shown
#                             └── record_rejection ─▶ REJECTED: read once more, and finished
#           ◀────────────     ↺ begin_send again, after a look at the line
#    undo_send, record_clash: the PSA took nothing (with an earlier send still open, the stage stays SENDING)
#   from every stage: postpone, hold (the stage stays), finish_written or finish_refused → FINISHED
#   assume_sent: any → SENDING, where a restored database may have forgotten a send; nothing is sent any more
#
# Killed after `sending` was stored, 8 → 10: the line holds 10 → finish_written; 8 → begin_send once more.
#
# A request without an answer may still be on its way: in `open_sends` each has the moment until which it may
# arrive. They outlive the write: until the last of them the line takes no other write (`hold`), for
#
#   12:00 apr_1 sends 10, cut │ sends 10, answered: written │ apr_2 sends 20: written │ 12:05 the first comes
#   would leave 10 where 20 was proven; so apr_2 waits until 12:07, and then reads.

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from psa_sync.psa import LastUpdate, PsaLine
from psa_sync.writes.foreign_writes import foreign_write_of
from shared.contracts.psa_sync import QuantityRefused, QuantityWritten, WriteQuantity
from shared.contracts.quantity_write import ForeignWrite, WriteRefusal

WriteResult = QuantityWritten | QuantityRefused

SEND_WITHIN = timedelta(seconds=10)
"""How long after it was begun the client may be told to send; later the send is taken back, and the line is
read again."""

LONGEST_REQUEST_LIFE = timedelta(minutes=7)
"""How long after it was begun a request without an answer may still take effect in the PSA.

Our client is told to send it within `SEND_WITHIN`, the lease may be looked at 20 s before that, the client is
done in 75 s (`connectwise.connector.POLICY`: 5 s until it goes out for the last time, 10 s to connect, 60 s
for the answer), and what is between may hold a request for minutes after we have gone: no PSA says how long
(psa-apis §2.8), common gateways and load balancers give up after one to four, so five are taken.
"""


class WriteStage(StrEnum):
    """How far a write has come."""

    WAITING = "waiting"
    """Nothing that was sent can still take effect."""
    SENDING = "sending"
    """Sent, or about to be: whether it took effect is not known."""
    SENT = "sent"
    """The PSA acknowledged the write, which is not proven yet."""
    REJECTED = "rejected"
    """The PSA answered that it will not: what the line holds tells whether it did all the same."""
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class Intent:
    """One approved write and its progress."""

    command: WriteQuantity
    received: str
    """A text that sorts by arrival: the writes to one line are made in this order."""
    due_at: datetime
    """When the next step may be made."""
    stage: WriteStage = WriteStage.WAITING
    version: int = 0
    """Counts the stored steps: a worker that was overtaken stores nothing."""
    sends: int = 0
    """How many of the sent writes may have taken effect."""
    open_sends: tuple[datetime, ...] = ()
    """For each of them that has no answer: until when it may still arrive."""
    clashes: int = 0
    """How often the PSA had the record in use."""
    proofs: int = 0
    """How often a read-back still showed the old number."""
    delays: int = 0
    """How often it was postponed since it was last sent; the pause grows with it."""
    delays_before: int = 0
    """What `delays` was before the latest send: so it is again if the PSA took nothing."""
    base: LastUpdate | None = None
    """The line's last change when the latest request was sent, as far as the PSA stamps it."""
    own_update: LastUpdate | None = None
    """The line's last change as the PSA's answer to the write stamps it: ours."""
    foreign: ForeignWrite | None = None
    """What somebody else wrote after our first request, as last read."""
    acknowledged: Decimal | None = None
    """The quantity in the PSA's answer to the write."""
    rejection: str | None = None
    """What the PSA said when it refused the write."""
    request_ids: tuple[str, ...] = ()
    """The PSA's ids of the requests that it acknowledged."""
    result: WriteResult | None = None
    restored: bool = False
    """Whether the database has gone back since it was approved, and may have forgotten a send and the end."""
    cancelled: str | None = None
    """Why the write is not wanted any more; told by its own command, whatever step the write is at."""

    @property
    def finished(self) -> bool:
        return self.stage is WriteStage.FINISHED

    @property
    def cancelled_unsent(self) -> bool:
        """Whether it is not wanted any more, and nothing of it can take effect."""
        return self.cancelled is not None and self.stage is WriteStage.WAITING

    def is_due(self, now: datetime) -> bool:
        """Tells whether a step may be made; a cancelled write that was never sent waits for nothing."""
        return not self.finished and (self.cancelled_unsent or self.due_at <= now)

    @property
    def may_arrive_until(self) -> datetime | None:
        """Until when something that was sent may still take effect; None when all of it has an answer."""
        return max(self.open_sends, default=None)

    def foreign_write(self, line: PsaLine | None, ours: Collection[Decimal] = ()) -> ForeignWrite | None:
        """Returns the write of somebody else that a reading shows; None when the number tells of none.

        `ours` are the numbers that earlier writes of ours may have set.
        """
        command = self.command
        if line is None or line.quantity in (command.expected_current, command.target, *ours):
            return None
        return foreign_write_of(line)

    def begin_send(
        self, at: datetime, base: LastUpdate | None = None, *, life: timedelta = LONGEST_REQUEST_LIFE
    ) -> "Intent":
        """A request is about to go out to a line whose last change was `base`.

        `life` is how long it may still arrive while it has no answer.
        """
        return replace(
            self,
            stage=WriteStage.SENDING,
            sends=self.sends + 1,
            open_sends=(*self.open_sends, at + life),
            base=base,
            delays=0,
            delays_before=self.delays,
        )

    def assume_sent(self, until: datetime) -> "Intent":
        """It may have been sent, and have ended: a restored database does not know; `until` it may arrive."""
        opened = (*self.open_sends, until)
        known = replace(self, stage=WriteStage.SENDING, sends=max(self.sends, 1), open_sends=opened)
        return replace(known, restored=True, due_at=max(self.due_at, until))

    def acknowledge(
        self, quantity: Decimal | None, request_id: str | None, stamp: LastUpdate | None = None
    ) -> "Intent":
        """The PSA answered the write; `quantity` is what its answer says that the line holds."""
        ids = (*self.request_ids, request_id) if request_id else self.request_ids
        return replace(
            self,
            stage=WriteStage.SENT,
            open_sends=self.open_sends[:-1],
            acknowledged=quantity,
            own_update=stamp,
            request_ids=ids,
        )

    def undo_send(self) -> "Intent":
        """The PSA took nothing this time; an earlier send may still leave the outcome open."""
        stage = WriteStage.SENDING if self.sends > 1 else WriteStage.WAITING
        again = replace(self, stage=stage, delays=self.delays_before)
        return replace(again, sends=self.sends - 1, open_sends=self.open_sends[:-1])

    def record_clash(self) -> "Intent":
        """The PSA took nothing because the record was in use, or not to be found."""
        return replace(self.undo_send(), clashes=self.clashes + 1, delays=0)

    def record_rejection(self, detail: str) -> "Intent":
        """The PSA refused the write; a gateway may say so although the PSA has taken it."""
        return replace(self, stage=WriteStage.REJECTED, open_sends=self.open_sends[:-1], rejection=detail)

    def record_unproven(self, until: datetime) -> "Intent":
        """The line still shows the old number."""
        return replace(self, proofs=self.proofs + 1, due_at=until)

    def postpone(self, until: datetime) -> "Intent":
        return replace(self, delays=self.delays + 1, due_at=until)

    def hold(self, until: datetime, foreign: ForeignWrite | None = None) -> "Intent":
        """Nothing failed: the write waits for a known moment; `foreign` is what was read meanwhile."""
        return replace(self, due_at=until, foreign=foreign or self.foreign)

    def finish_written(self, at: datetime, *, sent: bool, line: PsaLine | None = None) -> "Intent":
        """The line was read and holds the target; `sent` tells whether we may have put it there."""
        before = self.command.expected_current if sent else self.command.target
        proof = {"before": before, "after": self.command.target, "sent": sent, "proven_at": at}
        others = {"overwritten": self.foreign, "followed_by": self._followed_by(line)}
        return self._finish(QuantityWritten(**self._result_fields(), **proof, **others))

    def finish_refused(
        self,
        at: datetime,
        reason: WriteRefusal,
        *,
        detail: str,
        current: Decimal | None,
        foreign: ForeignWrite | None = None,
    ) -> "Intent":
        """The write ends without proof that the PSA holds the target; `current` is what was read last."""
        refusal = {"reason": reason, "detail": detail, "current": current, "refused_at": at}
        disproved = self.stage is WriteStage.REJECTED and reason is WriteRefusal.REJECTED
        more = {"sent": self.sends > 0 and not disproved, "foreign": foreign}
        if self.restored:
            refusal["detail"] = (
                f"{detail}; what was sent before psa-sync's database was restored is not known"
            )
        return self._finish(QuantityRefused(**self._result_fields(), **refusal, **more))

    def _followed_by(self, line: PsaLine | None) -> ForeignWrite | None:
        """Returns the last change of the line if it came after our own, which the PSA's answer stamped.

        It may be ours all the same: an earlier request without an answer that set the number once more.
        """
        own, last = self.own_update, line.last_update if line else None
        if line is None or own is None or last is None or last == own:
            return None
        is_ours = bool(self.open_sends) and last.by in (None, own.by)
        return None if is_ours else foreign_write_of(line)

    def _finish(self, result: WriteResult) -> "Intent":
        return replace(self, stage=WriteStage.FINISHED, result=result)

    def _result_fields(self) -> dict[str, Any]:
        command = self.command
        return {
            "tenant_id": command.tenant_id,
            "integration_id": command.integration_id,
            "line_id": command.line_id,
            "approval_id": command.approval_id,
            "request_ids": self.request_ids,
        }
