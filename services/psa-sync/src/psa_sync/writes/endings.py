"""Puts writes off and ends them: a stored result, and the messages that tell of it."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

import structlog

from psa_sync.writes.decide import decide_unread, latest_try
from psa_sync.writes.intent import Intent, WriteStage
from psa_sync.writes.ports import IntentStore
from shared.contracts import Message, psa_sync
from shared.contracts.quantity_write import WriteRefusal
from shared.errors import CredentialsRejected, TransientError, UnexpectedResponse
from shared.runtime.backoff import backoff_seconds
from shared.runtime.clock import StoreTime
from shared.sync_engine.models import IntegrationState

log = structlog.get_logger()

LONGEST_PAUSE = timedelta(minutes=1)


class WriteEndings:
    """Stores how a write goes on when it cannot, and how it ends."""

    def __init__(self, intents: IntentStore, clock: StoreTime) -> None:
        self._intents, self._clock = intents, clock

    async def postpone(self, intent: Intent, error: TransientError | UnexpectedResponse) -> None:
        """Waits as the PSA asks for, else longer each time; never beyond the end of the write's own time."""
        now = await self._clock()
        if refused := decide_unread(intent, now, str(error)):
            await self.refuse(intent, refused.reason, refused.detail, current=None)
            return
        log.warning("write_put_off", approval_id=intent.command.approval_id, error=str(error))
        seconds = error.retry_after if isinstance(error, TransientError) else None
        if seconds is None:
            longest = LONGEST_PAUSE.total_seconds()
            seconds = backoff_seconds(intent.delays + 1, first=1.0, longest=longest)
        until = min(now + timedelta(seconds=seconds), max(now, latest_try(intent)))
        await self._intents.save(intent.postpone(until))

    async def refuse_locked_out(
        self, intent: Intent, integration: IntegrationState, error: CredentialsRejected
    ) -> None:
        """Ends the write for refused credentials: a person must reconnect, and approve what is shown then."""
        detail, told = locked_out_detail(error), [locked_out(integration, error)]
        await self.refuse(intent, reason_unread(intent), detail, current=None, others=told)

    async def refuse_unreadable(self, intent: Intent, why: str) -> None:
        detail = f"the line cannot be read, so nothing more is sent: {why}"
        await self.refuse(intent, reason_unread(intent), detail, current=None)

    async def refuse(
        self,
        intent: Intent,
        reason: WriteRefusal,
        detail: str,
        *,
        current: Decimal | None,
        others: Sequence[Message] = (),
    ) -> None:
        """Ends the write as refused; `others` are messages to send besides the result."""
        if intent.rejection:
            detail = f"{intent.rejection}; then {detail}"
        refused = intent.finish_refused(await self._clock(), reason, detail=detail, current=current)
        await self.finish(refused, others)

    async def finish(self, intent: Intent, others: Sequence[Message] = ()) -> None:
        log.info(
            "write_finished", approval_id=intent.command.approval_id, result=type(intent.result).__name__
        )
        results = [intent.result] if intent.result else []
        await self._intents.finish(intent, [*results, *others])


def reason_unread(intent: Intent) -> WriteRefusal:
    """Returns why a write ends whose line cannot be read: only what was sent may have taken effect."""
    return WriteRefusal.REJECTED if intent.stage is WriteStage.WAITING else WriteRefusal.UNKNOWN_OUTCOME


def locked_out(integration: IntegrationState, error: CredentialsRejected) -> psa_sync.PsaCredentialsRejected:
    """Returns the message that the PSA refused the credentials."""
    return psa_sync.PsaCredentialsRejected(
        tenant_id=integration.tenant_id,
        integration_id=integration.integration_id,
        generation=integration.generation,
        refused=str(error),
    )


def locked_out_detail(error: CredentialsRejected) -> str:
    return f"the PSA refused the credentials; reconnect, then approve again: {error}"
