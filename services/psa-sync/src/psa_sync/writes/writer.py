"""Writing approved quantities, step by step over stored state; after a crash the next worker goes on.

A step reads the line, decides (`deciding`), and stores what is to happen before it happens. The only call
that changes the PSA is `_send`, and it is made right after `sending` was stored; whoever finds `sending`
stored does not know the outcome, so it reads before anything else.
"""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import structlog

from psa_sync.psa import PsaLine
from psa_sync.runs.observations import agreement_line_key, agreement_line_observed
from psa_sync.runs.ports import Connect, PsaConnection
from psa_sync.writes.decide import ReadAgain, Refused, Send, Written, decide, given_up
from psa_sync.writes.intent import Intent, Stage
from psa_sync.writes.ports import Clock, IntentStore, LineRef, OpenChanges, WriteLease
from shared.contracts import Message, psa_sync
from shared.contracts.psa_sync import AgreementLineObserved, WriteRefusal
from shared.errors import (
    Conflict,
    CredentialsRejected,
    NotFound,
    OutcomeUnknown,
    PermanentError,
    TransientError,
    UnexpectedResponse,
)
from shared.runtime import crash_points
from shared.runtime.backoff import backoff_seconds
from shared.runtime.leases import LeaseLost
from shared.sync_engine.integrations import IntegrationStates
from shared.sync_engine.models import IntegrationState
from shared.sync_engine.stamp import Stamp

log = structlog.get_logger()

_PROOF_PAUSE = timedelta(seconds=3)
"""Prior art waits 2.5 s before it reads back a second time (psa-apis, additions)."""
_LONGEST_PAUSE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class QuantityWriter:
    """Carries writes from the stored command to the stored, proven result."""

    intents: IntentStore
    integrations: IntegrationStates
    connect: Connect
    open_changes: OpenChanges
    clock: Clock

    async def write(self, line: LineRef, lease: WriteLease) -> int:
        """Carry the writes to one line as far as they go now, one after another; how many steps that took."""
        steps = 0
        async with AsyncExitStack() as stack:
            psa: PsaConnection | None = None
            while (intent := await self.intents.head(line)) and intent.due(self.clock()):
                await lease.renew()
                known = await self.integrations.get(line.tenant_id, line.integration_id)
                if known and known.runnable:
                    if psa is None:
                        psa = await stack.enter_async_context(self.connect(known))
                    await self._advance(intent, WriteContext(psa, known, lease))
                else:
                    await self._hold(intent, known)
                steps += 1
        return steps

    async def _advance(self, intent: Intent, way: "WriteContext") -> Intent:
        """One step: look at the line, decide, and store or send."""
        try:
            line = await self._look(intent, way)
        except LeaseLost:
            raise
        except TransientError as error:
            return await self._later(intent, error)
        except CredentialsRejected as error:
            return await self._locked_out(intent, way.integration, error)
        except PermanentError as error:
            return await self._blocked(intent, str(error))
        return await self._follow(intent, line, way)

    async def _hold(self, intent: Intent, known: IntegrationState | None) -> Intent:
        """Without a working integration nothing is sent; news of it may only be late."""
        if known:
            return await self._blocked(intent, f"the integration is {known.status}")
        name = intent.command.integration_id
        return await self._later(intent, TransientError(f"integration {name} is not known yet"))

    async def _look(self, intent: Intent, way: "WriteContext") -> PsaLine | None:
        """Read the line, and tell what was read whatever comes of the write; a read-back is always told."""
        command = intent.command
        changes = self.open_changes(way.integration, way.lease)
        revision = await changes.next_revision()
        line = await way.psa.line(command.agreement_id, command.line_id)
        stamp = Stamp.of(way.integration, f"write-{command.approval_id}", revision, self.clock())
        if line:
            proves = intent.stage is not Stage.WAITING
            await changes.publish([agreement_line_observed(line, stamp)], always=proves)
        else:
            key = agreement_line_key(command.line_id, stamp)
            last_seen = await changes.existing(AgreementLineObserved, [key])
            await changes.publish([stamp.absent(observation) for observation in last_seen.values()])
        return line

    async def _follow(self, intent: Intent, line: PsaLine | None, way: "WriteContext") -> Intent:
        now, current = self.clock(), line.quantity if line else None
        match decide(intent, line, now):
            case Written(sent):
                return await self._finish(intent.written(now, sent=sent))
            case Refused(reason, detail):
                return await self._finish(intent.refused(now, reason, detail=detail, current=current))
            case ReadAgain():
                return await self.intents.save(intent.unproven(now + _PROOF_PAUSE))
            case Send():
                return await self._send(await self._mark(intent, way.lease), way)

    async def _mark(self, intent: Intent, lease: WriteLease) -> Intent:
        """From here on a crash means that the outcome is unknown."""
        await lease.renew()
        return await self.intents.save(intent.sending())

    async def _send(self, intent: Intent, way: "WriteContext") -> Intent:
        command = intent.command
        try:
            way.lease.check()
            answer = await way.psa.set_quantity(command.agreement_id, command.line_id, command.target)
        except LeaseLost:
            raise
        except (OutcomeUnknown, UnexpectedResponse) as error:
            return await self._unanswered(intent, error)
        except TransientError as error:
            return await self._later(intent.unsent(), error)
        except CredentialsRejected as error:
            return await self._locked_out(intent.unsent(), way.integration, error)
        except (Conflict, NotFound) as error:
            log.warning("write_clashed", approval_id=command.approval_id, error=str(error))
            return await self.intents.save(intent.clashed())
        except PermanentError as error:
            detail = f"the PSA refused {command.target}: {error.message}"
            return await self._refuse(intent, WriteRefusal.REJECTED, detail, current=command.expected_current)
        crash_points.reached("patch-answered")
        stored = await self.intents.save(intent.sent(answer.quantity, answer.request_id))
        crash_points.reached("answer-stored")
        return stored

    async def _unanswered(self, intent: Intent, error: TransientError | UnexpectedResponse) -> Intent:
        again = error if isinstance(error, TransientError) else TransientError(str(error))
        return await self._later(intent, again)

    async def _later(self, intent: Intent, error: TransientError) -> Intent:
        """Wait as long as the PSA says, else ever longer; or end it when its time is over."""
        now = self.clock()
        end = given_up(intent, now, str(error))
        if end:
            return await self._refuse(intent, end.reason, end.detail)
        log.warning("write_put_off", approval_id=intent.command.approval_id, error=str(error))
        return await self.intents.save(intent.later(now + timedelta(seconds=_pause(intent, error))))

    async def _locked_out(
        self, intent: Intent, where: IntegrationState, error: CredentialsRejected
    ) -> Intent:
        """Refused credentials end the write: a person must reconnect, and then approve what is shown then."""
        said = psa_sync.PsaCredentialsRejected(
            tenant_id=where.tenant_id,
            integration_id=where.integration_id,
            generation=where.generation,
            refused=str(error),
        )
        detail = f"the PSA refused the credentials; reconnect, then approve again: {error}"
        reason = _reason(intent)
        end = intent.refused(self.clock(), reason, detail=detail, current=None)
        return await self._finish(end, [said])

    async def _blocked(self, intent: Intent, why: str) -> Intent:
        detail = f"the line cannot be read, so nothing more is sent: {why}"
        return await self._refuse(intent, _reason(intent), detail)

    async def _refuse(
        self, intent: Intent, reason: WriteRefusal, detail: str, *, current: Decimal | None = None
    ) -> Intent:
        return await self._finish(intent.refused(self.clock(), reason, detail=detail, current=current))

    async def _finish(self, intent: Intent, more: Sequence[Message] = ()) -> Intent:
        log.info(
            "write_finished", approval_id=intent.command.approval_id, result=type(intent.result).__name__
        )
        said = [intent.result] if intent.result else []
        return await self.intents.finish(intent, [*said, *more])


@dataclass(frozen=True, slots=True)
class WriteContext:
    """Through what a write is sent, and by which right."""

    psa: PsaConnection
    integration: IntegrationState
    lease: WriteLease


def _reason(intent: Intent) -> WriteRefusal:
    return WriteRefusal.REJECTED if intent.stage is Stage.WAITING else WriteRefusal.UNKNOWN_OUTCOME


def _pause(intent: Intent, error: TransientError) -> float:
    if error.retry_after is not None:
        return error.retry_after
    return backoff_seconds(intent.delays + 1, first=1.0, longest=_LONGEST_PAUSE_SECONDS)
