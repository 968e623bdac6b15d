"""Reading the lines of every agreement, one call each, from a to-do list that outlives the worker."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

import structlog

from psa_sync.psa import Agreement, Listing
from psa_sync.runs.listing import complete, reached, reaching, spread, stamped
from psa_sync.runs.observations import line_of
from psa_sync.runs.ports import AgreementQueue, Clock, ListedLines, PsaConnection
from shared.contracts.psa_sync import AgreementLineObserved
from shared.errors import CredentialsRejected, NotFound, PermanentError
from shared.sync_engine.models import ProviderUnreachable
from shared.sync_engine.run_worker import RunContext

log = structlog.get_logger()

_SILENCES = 3
"""So many agreements in a row without an answer, each after every attempt: the PSA is away."""


@dataclass(slots=True)
class LineReader:
    """Lists the agreements, reads their lines, and looks once at every line that vanished."""

    psa: PsaConnection
    walk: RunContext
    todo: AgreementQueue
    clock: Clock
    _silences: int = field(default=0, init=False)

    async def agreements(self) -> Mapping[str, str]:
        """Fill the to-do list; a cancelled agreement is due only while we still say that it bills."""
        found: dict[str, Agreement] = {}

        async def once() -> set[str]:
            async for agreement in reached(self.psa.agreements()):
                found[agreement.agreement_id] = agreement
                self.walk.progress.advance()
            return set(found)

        ids, short = await complete(self.psa, Listing.AGREEMENTS, once)
        billed = {line.agreement_id async for line in self._seen() if line.billable}
        due = [a for a in found.values() if not a.cancelled or a.agreement_id in billed]
        skipped = [a for a in found.values() if a.cancelled and a.agreement_id not in billed]
        await self.todo.fill(self.walk.run, due, skipped)
        notes = {Listing.AGREEMENTS.value: str(len(ids))}
        return notes | ({f"{Listing.AGREEMENTS} short": short} if short else {})

    async def lines(self) -> None:
        stand = await self.todo.stand(self.walk.run)
        self.walk.progress.advance(stand.read, total=stand.due)
        await spread(await self.todo.open(self.walk.run), self._lines_of)

    async def vanished(self) -> None:
        """A line that was there and is in no list now counts as gone only when the PSA says so itself."""
        listed = await self.todo.listed(self.walk.run)
        trusted = f"{Listing.AGREEMENTS} short" not in self.walk.run.notes
        gone = [line async for line in self._seen() if _missed(line, listed, trusted=trusted)]
        self.walk.progress.advance(0, total=len(gone))
        await spread(gone, self._look_once)

    async def _lines_of(self, agreement: Agreement) -> None:
        try:
            ids = await self._published(agreement)
        except CredentialsRejected:
            raise
        except PermanentError as error:
            log.warning("agreement_unread", agreement_id=agreement.agreement_id, error=str(error))
            await self.todo.failed(self.walk.run, agreement.agreement_id, str(error))
            self._count_silence(error)
            return
        self._silences = 0
        await self.todo.done(self.walk.run, agreement.agreement_id, ids)
        self.walk.progress.advance()

    async def _published(self, agreement: Agreement) -> list[str]:
        stamp = await stamped(self.walk, self.clock)
        try:
            lines = [line async for line in reached(self.psa.lines(agreement))]
        except NotFound:  # deleted since it was listed: its lines are looked for one by one
            return []
        await self.walk.observer.publish(line_of(line, stamp) for line in lines)
        return [line.line_id for line in lines]

    def _count_silence(self, error: PermanentError) -> None:
        self._silences += isinstance(error, ProviderUnreachable)
        if self._silences >= _SILENCES:
            raise error

    async def _look_once(self, seen: AgreementLineObserved) -> None:
        stamp = await stamped(self.walk, self.clock)
        line = await reaching(self.psa.line(seen.agreement_id, seen.line_id))
        news = line_of(line, stamp) if line else seen.model_copy(update=stamp.gone)
        await self.walk.observer.publish([news])
        self.walk.progress.advance()

    async def _seen(self) -> AsyncIterator[AgreementLineObserved]:
        async for line in self.walk.observer.seen(AgreementLineObserved):
            if line.present:
                yield line


def _missed(line: AgreementLineObserved, listed: ListedLines, *, trusted: bool) -> bool:
    if line.agreement_id in listed.agreements:
        return line.agreement_id in listed.read and line.line_id not in listed.lines
    return trusted and line.line_id not in listed.lines
