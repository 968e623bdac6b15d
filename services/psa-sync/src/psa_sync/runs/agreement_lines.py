"""Reads the lines of one company: agreement by agreement, and by itself what no agreement lists any more."""

# Invariant: a line is stated with the revision that was taken before the *oldest* of the answers it is made
# of: the facts of its agreement, or its own row. So the read-back of a write, which reads both anew, is never
# overruled by facts that were listed before it:
#
#   listed at r100: 78 is active    written at r110: 911, of 78, which is cancelled by now    lines read: r120
#   → 911 is stated as r100, which is older than r110, and dropped; the two disagree, so the company is
#     collected again
#
# A line that was there and is not listed is read by itself, and so is an agreement (a line hangs under its
# agreement for good: when that is gone, or another company's, so are its lines). A 403, a 404 or an odd
# answer is about that agreement or line alone, and named there.

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import structlog

from psa_sync.concurrency import GroupCommit, for_each
from psa_sync.psa import PsaLine, UnreadableRow
from psa_sync.runs.company_collect import AgreementEntry, AgreementState, CompanyCollect
from psa_sync.runs.line_commit import CompanyAnswer, LineAnswer, LineCommit
from psa_sync.runs.line_record import LineRecord
from psa_sync.runs.listing import reachable, reachable_rows
from psa_sync.runs.ports import CollectQueue, PsaConnection
from shared.errors import CredentialsRejected, NotFound, PermanentError
from shared.sync_engine.models import ProviderUnreachable
from shared.sync_engine.run_context import RunContext
from shared.sync_engine.stamp import Stamp

log = structlog.get_logger()

_MAX_UNREACHABLE = 3
"""When this many calls in a row are out of reach, each after every attempt, the PSA is down."""


@dataclass(slots=True)
class AgreementLineReader:
    """Reads what is due and what is missing of companies; several may be read at the same time."""

    psa: PsaConnection
    context: RunContext
    queue: CollectQueue
    calls: asyncio.Semaphore
    """Bounds the calls in flight: storing what was read takes none of them."""
    _commits: GroupCommit[CompanyAnswer] = field(init=False)
    _unreachable_in_a_row: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._commits = GroupCommit(LineCommit(self.context, self.queue).commit)

    async def read(self, company: CompanyCollect) -> None:
        """Reads the agreements that are due, and accounts for every line that was there before."""
        read = partial(self._read_agreement, company)
        await for_each(company.due, read)
        while missing := company.missing:
            await for_each(missing.items(), partial(self._look_for, company))
            await for_each(company.due, read)
        if ends := company.confirm_ends():
            await self.commit(CompanyAnswer(company, records=ends))

    async def commit(self, answer: CompanyAnswer) -> None:
        """Returns once the answer is stored, with whatever else has come meanwhile."""
        await self._commits.add(answer)

    def note_answer(self) -> None:
        """Ends a row of calls that were out of reach."""
        self._unreachable_in_a_row = 0

    def note_failure(self, error: PermanentError) -> None:
        """Raises the error when it concerns more than the one thing that was asked for."""
        if isinstance(error, CredentialsRejected):
            raise error
        # Any answer, even an odd one, shows that the PSA is up.
        is_unreachable = isinstance(error, ProviderUnreachable)
        self._unreachable_in_a_row = self._unreachable_in_a_row + 1 if is_unreachable else 0
        if self._unreachable_in_a_row >= _MAX_UNREACHABLE:
            raise error

    async def _read_agreement(self, company: CompanyCollect, entry: AgreementEntry) -> None:
        agreement = entry.agreement
        if agreement is None:
            raise ValueError(f"agreement {entry.agreement_id} was not understood: it cannot be due")
        try:
            async with self.calls:
                stamp = await self.context.stamp()
                rows = [row async for row in reachable_rows(self.psa.lines(agreement))]
        except NotFound as error:
            await self._look_for_agreement(company, entry.agreement_id, str(error))
        except PermanentError as error:
            await self._fail(company, entry, error)
        else:
            self.note_answer()
            oldest = replace(
                stamp,
                revision=min(stamp.revision, entry.listed_revision),
                observed_at=min(stamp.observed_at, entry.listed_at),
            )
            await self.commit(_answer(company, entry, rows, oldest))
        self.context.progress.advance()

    async def _look_for(self, company: CompanyCollect, missing: tuple[str, Sequence[LineRecord]]) -> None:
        agreement_id, lines = missing
        entry = company.agreements.get(agreement_id)
        if entry is None:
            await self._look_for_agreement(company, agreement_id)
        elif entry.state is AgreementState.FAILED:
            await self._name_unread(company, lines, entry.why)
        else:
            await for_each(lines, partial(self._look_for_line, company))

    async def _look_for_agreement(
        self, company: CompanyCollect, agreement_id: str, why_unread: str = ""
    ) -> None:
        """Reads an agreement that the company had; `why_unread` tells that its lines cannot be listed."""
        former = company.agreements.get(agreement_id)
        stamp = await self.context.stamp()
        entry = AgreementEntry(
            company.company_id, agreement_id, stamp.revision, stamp.observed_at, AgreementState.FAILED
        )
        try:
            async with self.calls:
                agreement = await reachable(self.psa.agreement(agreement_id))
        except PermanentError as error:
            await self._fail(company, entry, error)
            return
        self.note_answer()
        if agreement is not None and agreement.company_id == company.company_id:
            state = AgreementState.FAILED if why_unread else AgreementState.DUE
            entry = replace(entry, agreement=agreement, state=state, why=why_unread)
            await self.commit(CompanyAnswer(company, agreement=entry))
            return
        lines = [line for line in company.lines.values() if line.agreement_id == agreement_id and line.live]
        answers = [_left(line, stamp, is_gone=agreement is None) for line in lines]
        dropped_id = agreement_id if former else None
        await self.commit(CompanyAnswer(company, answers, dropped_agreement_id=dropped_id))

    async def _look_for_line(self, company: CompanyCollect, line: LineRecord) -> None:
        stamp = await self.context.stamp()
        try:
            async with self.calls:
                found = await reachable(self.psa.line(line.agreement_id, line.line_id))
        except PermanentError as error:
            self.note_failure(error)
            await self._name_unread(company, [line], str(error))
            return
        self.note_answer()
        is_here = found is not None and found.agreement.company_id == company.company_id
        answer = _read(found, stamp) if found and is_here else _left(line, stamp, is_gone=found is None)
        await self.commit(CompanyAnswer(company, [answer]))

    async def _fail(self, company: CompanyCollect, entry: AgreementEntry, error: PermanentError) -> None:
        log.warning("agreement_unread", agreement_id=entry.agreement_id, error=str(error))
        self.note_failure(error)
        failed = replace(entry, state=AgreementState.FAILED, why=str(error))
        await self.commit(CompanyAnswer(company, agreement=failed))

    async def _name_unread(self, company: CompanyCollect, lines: Sequence[LineRecord], why: str) -> None:
        revision = company.entry.listed_revision
        records = [line.unread(why, collect_revision=revision) for line in lines]
        await self.commit(CompanyAnswer(company, records=records))


def _answer(
    company: CompanyCollect,
    entry: AgreementEntry,
    rows: Sequence[PsaLine | UnreadableRow],
    stamp: Stamp,
) -> CompanyAnswer:
    """Returns what one call listed of an agreement; rows without an id leave the agreement in question."""
    nameless = [row for row in rows if isinstance(row, UnreadableRow) and not row.id]
    revision = company.entry.listed_revision
    blank = partial(LineRecord, agreement_id=entry.agreement_id, collect_revision=revision)
    return CompanyAnswer(
        company,
        [_read(row, stamp) for row in rows if isinstance(row, PsaLine)],
        records=[
            company.lines.get(row.id, blank(row.id)).unread(
                row.reason, collect_revision=revision, product_id=row.product_id
            )
            for row in rows
            if isinstance(row, UnreadableRow) and row.id
        ],
        agreement=replace(entry, state=AgreementState.DONE, why=nameless[0].reason if nameless else ""),
    )


def _read(line: PsaLine, stamp: Stamp) -> LineAnswer:
    return LineAnswer(line.line_id, line.agreement.agreement_id, stamp, line)


def _left(line: LineRecord, stamp: Stamp, *, is_gone: bool) -> LineAnswer:
    """Returns that a line has left the company: gone from the PSA, or in another company by now."""
    return LineAnswer(line.line_id, line.agreement_id, stamp, is_gone=is_gone)
