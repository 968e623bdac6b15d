"""Collects company by company, until two collects agree, and publishes the manifests."""

# Invariant: a company has a manifest in a run once everything under it is read and stored. What differs from
# its manifest before is collected again, so that the numbers of one manifest were true at one instant:
#
#   company 1: 77 lists 901, 8 → 9, so the manifest before cannot vouch for it
#   → its agreements are listed anew, 77 is read again: 901 is 9 → the collects agree → published
#
# Manifests are made of what is stored, and published page by page: killed before, the next worker makes them
# without a call. A company whose manifest the run has published is not looked at again.

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import structlog

from psa_sync.concurrency import for_each
from psa_sync.runs.agreement_lines import AgreementLineReader
from psa_sync.runs.agreement_list import AgreementLister
from psa_sync.runs.company_collect import MAX_COLLECTS, CompanyCollect, CompanyEntry
from psa_sync.runs.line_commit import CompanyAnswer
from psa_sync.runs.ports import CollectQueue, PsaConnection
from shared.errors import PermanentError
from shared.runtime.attempt import attempt
from shared.sync_engine.manifest_publisher import ManifestPublisher
from shared.sync_engine.run_context import RunContext

log = structlog.get_logger()

_COMPANIES_AT_ONCE = 16
"""More than calls in flight: while some companies are stored, others are read."""


@dataclass(slots=True)
class CompanyReader:
    """Reads the lines of all companies that a run has queued."""

    psa: PsaConnection
    context: RunContext
    queue: CollectQueue
    manifests: ManifestPublisher
    calls_at_once: int
    _calls: asyncio.Semaphore = field(init=False)
    _lines: AgreementLineReader = field(init=False)
    _lister: AgreementLister = field(init=False)

    def __post_init__(self) -> None:
        self._calls = asyncio.Semaphore(self.calls_at_once)
        self._lines = AgreementLineReader(self.psa, self.context, self.queue, self._calls)
        self._lister = AgreementLister(self.psa, self.context, self.queue)

    async def read(self) -> None:
        """Reads what is due and publishes a manifest of each company.

        What was collected when a call fails for good is published all the same.
        """
        run = self.context.run
        progress = await self.queue.progress(run)
        self.context.progress.advance(progress.read, total=progress.due)
        published = await self.manifests.records.of_run(run)
        async for page in self.queue.pages(run):
            await self._read_page([entry for entry in page if entry.company_id not in published])

    async def _read_page(self, entries: Sequence[CompanyEntry]) -> None:
        run, collected = self.context.run, list[CompanyCollect]()
        records = await self.manifests.records.get_many(run, [entry.company_id for entry in entries])

        async def collect(company: CompanyCollect) -> None:
            await self._collect(company)
            collected.append(company)

        companies = await self.queue.load(run, entries, records)
        result = await attempt(for_each(companies, collect, at_once=_COMPANIES_AT_ONCE))
        now = self.context.clock()
        await self.manifests.publish(self.context, [company.manifest(now) for company in collected])
        ended = {company.company_id: company.ended_ids for company in collected if company.ended_ids}
        await self.queue.forget_lines(run, ended)
        if isinstance(result, Exception):
            raise result

    async def _collect(self, company: CompanyCollect) -> None:
        """Reads one company, at most `MAX_COLLECTS` times."""
        if company.needs_listing:
            await self._list_again(company, collects=company.entry.collects)
        await self._lines.read(company)
        while not company.is_settled(company.manifest(self.context.clock())):
            if unsettled := await self._collect_again(company):
                entry = replace(company.entry, unsettled=unsettled)
                await self._lines.commit(CompanyAnswer(company, entry=entry))
                return

    async def _collect_again(self, company: CompanyCollect) -> str:
        """Lists and reads the company once more; returns why that is not done, if it is not."""
        collects = company.entry.collects + 1
        if collects > MAX_COLLECTS:
            return f"it kept changing while it was read {MAX_COLLECTS} times"
        if error := await self._list_again(company, collects=collects):
            return f"it changed while it was read, and could not be listed again: {error}"
        await self._lines.read(company)
        return ""

    async def _list_again(self, company: CompanyCollect, *, collects: int) -> PermanentError | None:
        """Lists the company's agreements alone; returns what went wrong, if it concerns this list alone."""
        try:
            async with self._calls:
                entry, agreements = await self._lister.list_company(company)
        except PermanentError as error:
            log.warning("company_unlisted", company_id=company.company_id, error=str(error))
            self._lines.note_failure(error)
            return error
        self._lines.note_answer()
        entry = replace(entry, collects=collects)
        await self._lines.commit(CompanyAnswer(company, entry=entry, relisted=agreements))
        self.context.progress.advance(0, total=(self.context.progress.total or 0) + len(company.due))
        return None
