"""Decides what to do next about a write, from what is stored of it and what the line holds now; pure."""

# Invariant: a write is sent, and proven, only on the very line that was approved. The number that the line
# holds decides, and the stage only says what that number can mean. The order is architecture §7's: changed
# terms, written already, conflict, expired, then our own rules on the number.
#
#   approved 8 → 10      the line holds 10    8                               9
#   WAITING              Written, not sent    Send                            Refused: conflict
#   SENDING              Written              Send, at most MAX_SENDS times   Refused: conflict
#   SENT                 Written              ReadAgain once, then rejected;  Refused: conflict
#                                             conflict if changed since
#   REJECTED             Written              Refused: rejected               Refused: conflict
#   and other terms      Refused: conflict, whatever it holds; unknown where it was sent without an answer
#
# A line that holds another number because the PSA acknowledged another one than ours is rejected. While a
# request without an answer may still arrive nothing is refused: the line is read again when none can arrive.

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from psa_sync.psa import LastUpdate, PsaLine
from psa_sync.writes.intent import Intent, WriteStage
from psa_sync.writes.terms import changed_terms
from shared.contracts.quantity_write import WriteRefusal

MAX_SENDS = 4
"""How often one absolute write may be sent when answers go missing (architecture §7, unknown outcome)."""
MAX_CLASHES = 2
"""How often the record may be in use (409): look again, then send at most once more (ConnectWise Developer
Guide, status codes)."""
MAX_PROOFS = 2
"""How often a read-back may show the old number before the answer counts as a false 200 (psa-apis §2.6)."""
_MOMENT = timedelta(milliseconds=1)
PATIENCE = timedelta(hours=24)
"""How long past its validity an unknown outcome is still looked into before a person is asked."""


@dataclass(frozen=True, slots=True)
class Written:
    """The line holds the target; `sent` tells whether one of our sends may have put it there."""

    sent: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """The write ends without the target; `detail` is a sentence for people."""

    reason: WriteRefusal
    detail: str


@dataclass(frozen=True, slots=True)
class Send:
    """The absolute number is to be sent, for the first time or again."""


@dataclass(frozen=True, slots=True)
class ReadAgain:
    """The PSA acknowledged the write but still shows the old number: it gets a moment."""


@dataclass(frozen=True, slots=True)
class ReadLater:
    """Something that was sent may still take effect: only a reading after `at` can say what became of it."""

    at: datetime


WriteVerdict = Written | Refused | Send | ReadAgain | ReadLater


def decide(intent: Intent, line: PsaLine | None, now: datetime) -> WriteVerdict:
    """Returns the next step; `line` is None when the PSA no longer has it."""
    verdict, arrives_until = _decide(intent, line, now), intent.may_arrive_until
    if isinstance(verdict, Refused) and arrives_until and now < arrives_until:
        return ReadLater(arrives_until)
    return verdict


def _decide(intent: Intent, line: PsaLine | None, now: datetime) -> Written | Refused | Send | ReadAgain:
    if line is None:
        return Refused(WriteRefusal.CONFLICT, f"line {intent.command.line_id} is gone from the PSA")
    if changes := changed_terms(intent.command, line, now):
        return _decide_changed(intent, line.quantity, changes)
    if line.quantity == intent.command.target:
        return Written(sent=intent.stage is not WriteStage.WAITING)
    match intent.stage:
        case WriteStage.SENT | WriteStage.REJECTED:
            return _decide_answered(intent, line)
        case WriteStage.SENDING:
            return _decide_sending(intent, line, now)
        case _:
            return _decide_waiting(intent, line.quantity, now)


def decide_unbegun(intent: Intent) -> Refused | None:
    """Decides about a write before its line is read: a cancelled one that was never sent needs no look."""
    if not intent.cancelled_unsent:
        return None
    return Refused(WriteRefusal.CANCELLED, f"cancelled before anything was sent: {intent.cancelled}")


def latest_try(intent: Intent) -> datetime:
    """Returns when a write that cannot be carried on ends; it is put off no further, whoever asks."""
    patience = timedelta(0) if intent.stage is WriteStage.WAITING else PATIENCE
    return intent.command.valid_until + patience + _MOMENT


def decide_unread(intent: Intent, now: datetime, why: str) -> Refused | None:
    """Decides about a write whose line could not be read: how it ends, or None while it may be tried."""
    if intent.stage is WriteStage.WAITING and now > intent.command.valid_until:
        return Refused(WriteRefusal.EXPIRED, f"nothing was sent before the approval expired: {why}")
    if now > intent.command.valid_until + PATIENCE:
        return Refused(WriteRefusal.UNKNOWN_OUTCOME, f"it was sent, but could not be read back: {why}")
    return None


def decide_broken(intent: Intent, now: datetime, why: str) -> Refused | None:
    """Decides about a write that an error of our own keeps from going on: as `decide_unread` does."""
    if intent.stage is WriteStage.WAITING and now > intent.command.valid_until:
        return Refused(WriteRefusal.REJECTED, f"nothing was sent, for an error of Trueup itself: {why}")
    if now > intent.command.valid_until + PATIENCE:
        detail = f"it was sent, and an error of Trueup itself keeps it from being proven: {why}"
        return Refused(WriteRefusal.UNKNOWN_OUTCOME, detail)
    return None


def _decide_changed(intent: Intent, current: Decimal | None, changes: str) -> Refused:
    """Decides about a line that is not as approved: nothing more is sent, and the number proves nothing."""
    command, holds = intent.command, _holds(current)
    if intent.stage is WriteStage.WAITING:
        already = " already" if current == command.target else ""
        return Refused(WriteRefusal.CONFLICT, f"nothing was sent: {changes}; {holds}{already}")
    if intent.stage is WriteStage.SENDING and current == command.expected_current:
        detail = f"sent {intent.sends} times without an answer, and not again: {changes}; {holds}"
        return Refused(WriteRefusal.UNKNOWN_OUTCOME, detail)
    detail = f"{command.target} was sent, but the line has changed meanwhile: {changes}; {holds}"
    return Refused(WriteRefusal.CONFLICT, detail)


def _decide_waiting(intent: Intent, current: Decimal | None, now: datetime) -> Refused | Send:
    command = intent.command
    if current is None or current != command.expected_current:
        return Refused(
            WriteRefusal.CONFLICT, f"{_holds(current)}, not {command.expected_current} as approved"
        )
    if now > command.valid_until:
        return Refused(
            WriteRefusal.EXPIRED, f"the approval was valid until {command.valid_until.isoformat()}"
        )
    if command.target < 0:
        return Refused(WriteRefusal.REJECTED, f"a quantity below zero ({command.target}) is never written")
    if _fractional(command.target) and not _fractional(current):
        return Refused(
            WriteRefusal.REJECTED, f"{command.target} is no whole number, and the line counts in whole ones"
        )
    if intent.clashes >= MAX_CLASHES:
        return Refused(WriteRefusal.REJECTED, "the PSA says that the record is in use; approve again later")
    return Send()


def _decide_sending(intent: Intent, line: PsaLine, now: datetime) -> Refused | Send:
    command, current, update = intent.command, line.quantity, line.last_update
    if current != command.expected_current:
        return Refused(
            WriteRefusal.CONFLICT, f"{_holds(current)} after a write of {command.target} without an answer"
        )
    if intent.base and update and update != intent.base:
        # Perhaps our number was set, and somebody took it back: sending it again would undo that.
        changed = f"was changed since by {update.by or 'somebody'} at {update.at.isoformat()}"
        detail = f"{command.target} was sent without an answer; {_holds(current)}, and {changed}"
        return Refused(WriteRefusal.CONFLICT, detail)
    if intent.restored:
        return Refused(WriteRefusal.UNKNOWN_OUTCOME, f"it is not sent any more; {_holds(current)}")
    spent = intent.sends >= MAX_SENDS or intent.clashes >= MAX_CLASHES
    if spent or intent.cancelled or now > command.valid_until:
        cancelled = f", and then cancelled ({intent.cancelled})" if intent.cancelled else ""
        detail = f"sent {intent.sends} times without an answer{cancelled}; {_holds(current)}"
        return Refused(WriteRefusal.UNKNOWN_OUTCOME, detail)
    return Send()


def _decide_answered(intent: Intent, line: PsaLine) -> Refused | ReadAgain:
    command, current = intent.command, line.quantity
    if intent.stage is WriteStage.REJECTED:
        return _decide_rejected(intent, current)
    if current == command.expected_current and (update := _later_update(intent, line)):
        changed = f"changed by {update.by or 'somebody'} at {update.at.isoformat()}"
        detail = f"{_holds(current)} again after the PSA accepted {command.target}: {changed}"
        return Refused(WriteRefusal.CONFLICT, detail)
    if current == command.expected_current and intent.proofs + 1 < MAX_PROOFS:
        return ReadAgain()
    if current == command.expected_current or intent.acknowledged != command.target:
        return Refused(WriteRefusal.REJECTED, f"the PSA accepted {command.target}, but {_holds(current)}")
    return Refused(
        WriteRefusal.CONFLICT, f"{_holds(current)}: changed by someone else after we wrote {command.target}"
    )


def _later_update(intent: Intent, line: PsaLine) -> LastUpdate | None:
    """Returns the change of the line that is neither ours nor from before it, as the PSA stamps them."""
    base, own, last = intent.base, intent.own_update, line.last_update
    return last if base and own and last not in (base, own) else None


def _decide_rejected(intent: Intent, current: Decimal | None) -> Refused:
    """Decides about a write that the PSA refused, and that its line does not show."""
    detail = f"{intent.rejection}; {_holds(current)}"
    if current != intent.command.expected_current:
        return Refused(WriteRefusal.CONFLICT, detail)
    if intent.sends > 1:
        return Refused(WriteRefusal.UNKNOWN_OUTCOME, f"{detail}; it was sent before without an answer")
    return Refused(WriteRefusal.REJECTED, detail)


def _holds(current: Decimal | None) -> str:
    return "the line has no quantity" if current is None else f"the line holds {current}"


def _fractional(number: Decimal) -> bool:
    return number != number.to_integral_value()
