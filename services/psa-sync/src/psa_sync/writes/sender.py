"""Sends an approved quantity to the PSA once, right after a last look at its line."""

# Invariant: a request goes out only while its `sending` is stored, its command is valid, and the line is as
# it was decided on; and no later than `SEND_WITHIN` after the moment from which is reckoned how long it may
# arrive. What keeps it from going out takes the send back, and the next step reads the line anew:
#
#   12:00:00 begun: may arrive until 12:07 │ last look, held up by the rate limit │ 12:00:40 taken back
#   sent then, it might arrive after 12:07, when the line takes other writes
#
# The client lets it wait for `CHANGE_WAIT` at most (rate limit, access, a refusal that renews access): so
# much of the command's time must be left, and a request that is held up for longer is taken back as well.

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from psa_sync.psa import PsaLine
from psa_sync.writes.endings import WriteEndings, locked_out, locked_out_detail
from psa_sync.writes.intent import SEND_WITHIN, Intent
from psa_sync.writes.ports import IntentStore
from psa_sync.writes.write_context import WriteContext
from shared.errors import (
    Conflict,
    CredentialsRejected,
    NotFound,
    OutcomeUnknown,
    PermanentError,
    TransientError,
    UnexpectedResponse,
)
from shared.http_client.retry import CHANGE_WAIT
from shared.runtime import crash_points
from shared.runtime.attempt import attempt
from shared.runtime.clock import StoreTime
from shared.runtime.leases import LeaseLost

log = structlog.get_logger()

_LOOK_PAUSE = timedelta(seconds=1)
"""How soon a line is read again that changed while it was about to be written to."""


@dataclass(frozen=True, slots=True)
class QuantitySender:
    """Sends, and stores what the PSA answered; what became of it only a reading tells."""

    intents: IntentStore
    endings: WriteEndings
    clock: StoreTime
    request_life: timedelta
    """How long a request without an answer may still arrive."""

    async def begin(self, intent: Intent, line: PsaLine, context: WriteContext) -> None:
        """Stores that the outcome is unknown from here on, looks at the line once more, and sends."""
        await context.lease.renew()
        begun_at = await self.clock()
        begun = intent.begin_send(begun_at, line.last_update, life=self.request_life)
        intent = await self.intents.save_before_send(begun)
        if await self._is_unchanged(line, intent, context) and await self._is_in_time(intent, begun_at):
            await self._send(intent, context)

    async def _send(self, intent: Intent, context: WriteContext) -> None:
        """Sends the quantity once, and stores what the PSA answered."""
        command = intent.command
        try:
            # Once more: storing may have taken longer than the lease lasts.
            context.lease.check()
            answer = await context.psa.set_quantity(command.agreement_id, command.line_id, command.target)
        except LeaseLost:
            raise
        except (OutcomeUnknown, UnexpectedResponse) as error:
            await self.endings.postpone(intent, error)
        except TransientError as error:
            await self.endings.postpone(intent.undo_send(), error)
        except CredentialsRejected as error:
            told = [locked_out(context.integration, error)]
            await self.intents.save(intent.record_rejection(locked_out_detail(error)), told)
        except (Conflict, NotFound) as error:
            log.warning("write_clashed", approval_id=command.approval_id, error=str(error))
            await self.intents.save(intent.record_clash())
        except PermanentError as error:
            detail = f"the PSA refused {command.target}: {error.message}"
            await self.intents.save(intent.record_rejection(detail))
        else:
            crash_points.reached("patch-answered")
            acknowledged = intent.acknowledge(answer.quantity, answer.request_id, answer.last_update)
            await self.intents.save(acknowledged)
            crash_points.reached("answer-stored")

    async def _is_unchanged(self, line: PsaLine, intent: Intent, context: WriteContext) -> bool:
        """Looks at the line once more, right before a send; takes the send back when it is not as just read.

        Publishing and storing took their time. What is left is the moment between this look and the PATCH: no
        write is conditional, and afterwards the only stamp names ourselves (psa-apis §2.9), so a number that
        was written in just that moment leaves no trace; a change of anything else is seen in the read-back.
        """
        latest = await attempt(context.psa.reread(line))
        if latest == line:
            return True
        log.warning("line_changed_before_write", approval_id=intent.command.approval_id)
        if isinstance(latest, TransientError):
            await self.endings.postpone(intent.undo_send(), latest)
        else:  # the next step reads it whole, and decides
            await self.intents.save(intent.undo_send().postpone(await self.clock() + _LOOK_PAUSE))
        return False

    async def _is_in_time(self, intent: Intent, begun_at: datetime) -> bool:
        """Tells whether the send may still go out; takes it back when the look before it took too long.

        So it is when the command might expire while the client lets the request wait.
        """
        now = await self.clock()
        if now <= min(intent.command.valid_until - CHANGE_WAIT, begun_at + SEND_WITHIN):
            return True
        log.warning("write_too_late_to_send", approval_id=intent.command.approval_id)
        await self.intents.save(intent.undo_send().postpone(now + _LOOK_PAUSE))
        return False
