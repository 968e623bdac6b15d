"""Writes approved quantities, step by step over stored state; after a crash the next worker goes on."""

# Invariant: nothing is sent twice without a look at the line, and nothing is reported that was not read. The
# only call that changes the PSA is in `sender`, right after `sending` was stored; whoever finds `sending`
# does not know the outcome, so it reads before anything else.
#
#   line 901 holds 8, approved 10   read 8 → store sending → PATCH 10 → store sent → read 10 → finish: written
#   killed after the PATCH          the next worker finds sending, reads 10 → finish: written; nothing is sent
#   killed before the PATCH         the next worker finds sending, reads 8 → store sending → PATCH 10 …
#
# A repeat sends the same absolute number, so one that arrives late cannot add up; the next write to the line
# waits until none can arrive any more, whatever became of this one.
#
# Where the database was restored, what was approved before is looked at, and not sent any more (`restores`).
#
# Every write ends: what cannot be read, carried on or understood is tried until the command's time is over,
# and then stored and reported as `unknown-outcome` if it may have been sent, else as what kept it from that.

from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from psa_sync.psa import PsaLine
from psa_sync.runs.observations import agreement_line_key, agreement_line_observed
from psa_sync.runs.ports import Connect
from psa_sync.writes.decide import (
    ReadAgain,
    ReadLater,
    Refused,
    Send,
    Written,
    decide,
    decide_broken,
    decide_unbegun,
)
from psa_sync.writes.endings import LONGEST_PAUSE, WriteEndings
from psa_sync.writes.intent import LONGEST_REQUEST_LIFE, Intent, WriteStage
from psa_sync.writes.ports import IntentStore, LineRef, OpenChanges
from psa_sync.writes.restores import WriteRestores, may_be_forgotten
from psa_sync.writes.sender import QuantitySender
from psa_sync.writes.write_context import LazyConnection, WriteContext
from shared.contracts.psa_sync import AgreementLineObserved
from shared.contracts.quantity_write import ForeignWrite
from shared.errors import (
    CredentialsRejected,
    PermanentError,
    TransientError,
)
from shared.runtime.attempt import attempt
from shared.runtime.clock import StoreTime
from shared.runtime.leases import Lease, LeaseLost
from shared.sync_engine.integrations import IntegrationStates
from shared.sync_engine.models import IntegrationState
from shared.sync_engine.stamp import Stamp

log = structlog.get_logger()

_PROOF_PAUSE = timedelta(seconds=3)
"""Prior art waits 2.5 s before it reads back a second time (psa-apis §2.6)."""


@dataclass(slots=True)
class QuantityWriter:
    """Carries writes from the stored command to the stored, proven result."""

    intents: IntentStore
    restores: WriteRestores
    integrations: IntegrationStates
    connect: Connect
    open_changes: OpenChanges
    clock: StoreTime
    """By which all replicas judge alike what is due, is valid, and may still arrive."""
    request_life: timedelta = LONGEST_REQUEST_LIFE
    """How long a request without an answer may still arrive."""
    endings: WriteEndings = field(init=False)
    sender: QuantitySender = field(init=False)

    def __post_init__(self) -> None:
        self.endings = WriteEndings(self.intents, self.clock)
        self.sender = QuantitySender(self.intents, self.endings, self.clock, self.request_life)

    async def write(self, line: LineRef, lease: Lease) -> int:
        """Carries the writes to one line, oldest first, until none is due; returns how many steps that took.

        Raises `LeaseLost` when another worker may be at the line, or has stored a step, and `TransientError`
        when the store is away. Whatever else goes wrong puts the write off, or ends it once its time is over.
        """
        steps = 0
        async with AsyncExitStack() as stack:
            psa = LazyConnection(self.connect, stack)
            while (intent := await self.intents.next_unfinished(line)) and intent.is_due(await self.clock()):
                await lease.renew()
                outcome = await attempt(self._step(intent, line, psa, lease))
                if isinstance(outcome, TransientError):
                    raise outcome
                if isinstance(outcome, Exception):
                    await self._put_off_broken(line, outcome)
                steps += 1
        return steps

    async def _step(self, intent: Intent, line: LineRef, psa: LazyConnection, lease: Lease) -> None:
        """Makes one step of one write, as far as anything may be done at the line now."""
        restored_at = await self.restores.found_at()
        if restored_at and may_be_forgotten(intent, restored_at):
            log.warning("write_may_have_been_sent", approval_id=intent.command.approval_id)
            await self.intents.save(intent.assume_sent(restored_at + self.request_life))
            return
        if refused := decide_unbegun(intent):
            await self.endings.refuse(intent, refused.reason, refused.detail, current=None)
            return
        if intent.stage is WriteStage.WAITING:
            # A request of an earlier write that arrives after this one's would undo it.
            known = await self.intents.may_arrive_until(line)
            forgotten = restored_at + self.request_life if restored_at else None
            arrives_until = max((moment for moment in (known, forgotten) if moment), default=None)
            if arrives_until and await self.clock() < arrives_until:
                await self.intents.save(intent.hold(arrives_until))
                return
        integration = await self.integrations.get(line.tenant_id, line.integration_id)
        if integration is None:
            # The command and the news of its integration come by two topics: the news may be late.
            sentence = f"integration {line.integration_id} is not known yet"
            await self.endings.postpone(intent, TransientError(sentence))
        elif not integration.runnable:
            await self.endings.refuse_unreadable(intent, f"the integration is {integration.status}")
        else:
            await self._advance(intent, integration, psa, lease)

    async def _put_off_broken(self, line: LineRef, error: Exception) -> None:
        """Puts off a write that an error of our own stops, or ends it when its time is over."""
        log.error("write_round_failed", line_id=line.line_id, exc_info=error)
        # Anew: the step may have been stored before it failed.
        intent = await self.intents.next_unfinished(line)
        if intent is None:
            return
        now, why = await self.clock(), f"{type(error).__name__}: {error}"
        if refused := decide_broken(intent, now, why):
            await self.endings.refuse(intent, refused.reason, refused.detail, current=None)
        elif intent.cancelled_unsent:
            raise error  # it stays due, and this loop would not end: the next round tries it again
        else:
            await self.intents.save(intent.postpone(now + LONGEST_PAUSE))

    async def _advance(
        self, intent: Intent, integration: IntegrationState, psa: LazyConnection, lease: Lease
    ) -> None:
        """Makes one step: reads the line, and does what follows from it."""
        try:
            context = WriteContext(await psa.open(integration), integration, lease)
            line = await self._read_line(intent, context)
        except LeaseLost:
            raise
        except TransientError as error:
            await self.endings.postpone(intent, error)
        except CredentialsRejected as error:
            await self.endings.refuse_locked_out(intent, integration, error)
        except PermanentError as error:
            await self.endings.refuse_unreadable(intent, str(error))
        else:
            await self._follow_up(intent, line, context)

    async def _read_line(self, intent: Intent, context: WriteContext) -> PsaLine | None:
        """Reads the line and publishes what was read, whatever comes of the write.

        After a send that may have taken effect the reading is marked as a read-back, and published even when
        it says nothing new: it is the proof that billing waits for, and counts there at once.
        """
        command = intent.command
        changes = self.open_changes(context.integration, context.lease)
        revision = await changes.next_revision()
        line = await context.psa.line(command.agreement_id, command.line_id)
        stamp = Stamp.of(context.integration, f"write-{command.approval_id}", revision, await self.clock())
        if line:
            is_read_back = intent.stage is not WriteStage.WAITING
            observed = agreement_line_observed(line, stamp, read_back=is_read_back)
            await changes.publish([observed], always=is_read_back)
        else:
            key = agreement_line_key(command.line_id, stamp)
            last_seen = await changes.existing(AgreementLineObserved, [key])
            await changes.publish([stamp.absent(observation) for observation in last_seen.values()])
        return line

    async def _follow_up(self, intent: Intent, line: PsaLine | None, context: WriteContext) -> None:
        now, current = await self.clock(), line.quantity if line else None
        match decide(intent, line, now):
            case Written(sent):
                await self.endings.finish(intent.finish_written(now, sent=sent, line=line))
            case Refused(reason, detail):
                foreign = await self._foreign_write(intent, line)
                refused = intent.finish_refused(now, reason, detail=detail, current=current, foreign=foreign)
                await self.endings.finish(refused)
            case ReadAgain():
                await self.intents.save(intent.record_unproven(now + _PROOF_PAUSE))
            case ReadLater(at):
                await self.intents.save(intent.hold(at, await self._foreign_write(intent, line)))
            case Send() if line:
                await self.sender.begin(intent, line, context)

    async def _foreign_write(self, intent: Intent, line: PsaLine | None) -> ForeignWrite | None:
        """Returns the write of somebody else that a reading shows, if none of ours explains the number."""
        if intent.foreign_write(line) is None:
            return None
        command = intent.command
        ref = LineRef(command.tenant_id, command.integration_id, command.line_id)
        return intent.foreign_write(line, await self.intents.unanswered_targets(ref))
