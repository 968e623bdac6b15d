"""Reads the lines of every agreement, one call each, from a queue that outlives the worker."""

# Invariant: a line that was seen before is absent only when the PSA itself says so. It vanishes when its
# agreement was read whole and does not list it, or when the agreement is in no list and that list was whole:
#
#   agreement 77 read: lists 901, not 902 → 902 is read by itself
#   agreement 78 could not be read        → its lines keep what was last known, whatever the list says
#
# There is no list of lines across agreements (ConnectWise: additions hang under their agreement).

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial

import structlog

from psa_sync.concurrency import CALLS_AT_ONCE, for_each
from psa_sync.psa import Agreement, Listing
from psa_sync.runs.listing import reachable_rows, read_whole, shortfalls_of
from psa_sync.runs.observations import agreement_line_observed
from psa_sync.runs.ports import AgreementQueue, ListedLines, PsaConnection
from shared.contracts.psa_sync import AgreementLineObserved
from shared.errors import CredentialsRejected, NotFound, PermanentError
from shared.sync_engine.absences import confirm_absence
from shared.sync_engine.models import ProviderUnreachable
from shared.sync_engine.reports import StepReport
from shared.sync_engine.run_context import RunContext

log = structlog.get_logger()

_MAX_UNREACHABLE = 3
"""When this many agreements in a row are out of reach, each after every attempt, the PSA is down."""


@dataclass(slots=True)
class AgreementLineReader:
    """Lists the agreements, reads their lines, and reads each vanished line once by itself."""

    psa: PsaConnection
    context: RunContext
    queue: AgreementQueue
    calls_at_once: int = CALLS_AT_ONCE
    _unreachable_in_a_row: int = field(default=0, init=False)

    async def list_agreements(self) -> StepReport:
        """Fills the queue; a cancelled agreement is due only while a line of it was last seen as billable."""
        agreements: dict[str, Agreement] = {}

        async def read_once() -> set[str]:
            async for agreement in reachable_rows(self.psa.agreements()):
                agreements[agreement.agreement_id] = agreement
                self.context.progress.advance()
            return set(agreements)

        ids, shortfall = await read_whole(self.psa, Listing.AGREEMENTS, read_once)
        billed_ids = {line.agreement_id async for line in self._present_lines() if line.billable}
        due = [
            agreement
            for agreement in agreements.values()
            if not agreement.cancelled or agreement.agreement_id in billed_ids
        ]
        due_ids = {agreement.agreement_id for agreement in due}
        skipped = [agreement for id_, agreement in agreements.items() if id_ not in due_ids]
        await self.queue.fill(self.context.run, due, skipped)
        shortfalls = shortfalls_of(self.psa, Listing.AGREEMENTS, shortfall)
        return StepReport(counts={Listing.AGREEMENTS.value: len(ids)}, shortfalls=shortfalls)

    async def read_lines(self) -> None:
        progress = await self.queue.progress(self.context.run)
        self.context.progress.advance(progress.read, total=progress.due)
        due = await self.queue.due(self.context.run)
        await for_each(due, self._read_agreement, at_once=self.calls_at_once)

    async def confirm_absences(self, *, agreements_whole: bool) -> None:
        """Reads each vanished line once; `agreements_whole` tells that the list of agreements was whole."""
        listed = await self.queue.listed(self.context.run)
        missing = [
            line
            async for line in self._present_lines()
            if _vanished(line, listed, agreements_whole=agreements_whole)
        ]
        self.context.progress.advance(0, total=len(missing))
        await for_each(missing, self._confirm_absence)

    async def _read_agreement(self, agreement: Agreement) -> None:
        try:
            line_ids = await self._publish_lines(agreement)
        except CredentialsRejected:
            raise
        except PermanentError as error:
            log.warning("agreement_unread", agreement_id=agreement.agreement_id, error=str(error))
            await self.queue.fail(self.context.run, agreement.agreement_id, str(error))
            # Any answer, even an odd one, shows that the PSA is up.
            is_unreachable = isinstance(error, ProviderUnreachable)
            self._unreachable_in_a_row = self._unreachable_in_a_row + 1 if is_unreachable else 0
            if self._unreachable_in_a_row >= _MAX_UNREACHABLE:
                raise
            return
        self._unreachable_in_a_row = 0
        await self.queue.complete(self.context.run, agreement.agreement_id, line_ids)
        self.context.progress.advance()

    async def _publish_lines(self, agreement: Agreement) -> list[str]:
        stamp = await self.context.stamp()
        try:
            lines = [line async for line in reachable_rows(self.psa.lines(agreement))]
        except NotFound:  # deleted since it was listed: its lines are read one by one
            return []
        await self.context.publisher.publish(agreement_line_observed(line, stamp) for line in lines)
        return [line.line_id for line in lines]

    async def _confirm_absence(self, last_seen: AgreementLineObserved) -> None:
        read = partial(self.psa.line, last_seen.agreement_id, last_seen.line_id)
        await confirm_absence(self.context, last_seen, read, agreement_line_observed)
        self.context.progress.advance()

    async def _present_lines(self) -> AsyncIterator[AgreementLineObserved]:
        async for line in self.context.publisher.last_seen(AgreementLineObserved):
            if line.present:
                yield line


def _vanished(line: AgreementLineObserved, listed: ListedLines, *, agreements_whole: bool) -> bool:
    if line.agreement_id in listed.agreement_ids:
        return line.agreement_id in listed.read_agreement_ids and line.line_id not in listed.line_ids
    return agreements_whole and line.line_id not in listed.line_ids
