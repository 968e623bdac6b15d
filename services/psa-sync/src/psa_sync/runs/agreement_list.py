"""Lists the agreements, of all companies or of one, and queues them by company."""

# Invariant: whatever has lines, had lines, or is a company of the PSA gets a manifest in every run:
#
#   the PSA's companies {1, 2}   agreements 77 of 1, 78 of 9   lines were known under 1 and 3
#   → queued: 1 with 77, 2 without any (its zero is known), 3 without any (its lines are gone, or have moved),
#     and 9, which is in no list of companies, with 78
#
# The facts of an agreement carry the revision of the listing that they come from, and so do its lines.

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field, replace

from psa_sync.psa import Agreement, Listing, UnreadableRow
from psa_sync.runs.company_collect import (
    AgreementEntry,
    AgreementState,
    CompanyCollect,
    CompanyEntry,
    state_of_listed,
)
from psa_sync.runs.listing import UnreadableRows, named, reachable_rows, read_whole
from psa_sync.runs.ports import CollectQueue, PsaConnection
from shared.contracts.manifest import ListingExtent
from shared.contracts.psa_sync import PsaAccountObserved
from shared.sync_engine.reports import StepReport
from shared.sync_engine.run_context import RunContext
from shared.sync_engine.stamp import Stamp

_NAMELESS = "without-id"


@dataclass(slots=True)
class _Listed:
    """What the list of all agreements holds, each row with the stamp of the reading that it comes from."""

    agreements: dict[str, tuple[Agreement, Stamp]] = field(default_factory=dict)
    odd_rows: dict[tuple[str, str], tuple[UnreadableRow, Stamp]] = field(default_factory=dict)

    def entries(self, billed_ids: Collection[str]) -> list[AgreementEntry]:
        return [
            *(
                _entry(agreement, stamp, was_billed=agreement.agreement_id in billed_ids)
                for agreement, stamp in self.agreements.values()
            ),
            *(
                _odd_entry(row.company_id, row, stamp)
                for row, stamp in self.odd_rows.values()
                # Listed once more, it may have been understood.
                if row.company_id and row.id not in self.agreements
            ),
        ]

    @property
    def exceptions(self) -> tuple[str, ...]:
        """The rows that belong to no company; the others are named by the queue, under theirs."""
        return named([row.reason for row, _ in self.odd_rows.values() if not row.company_id])


@dataclass(frozen=True, slots=True)
class AgreementLister:
    """Fills the queue of a run, and lists a single company anew."""

    psa: PsaConnection
    context: RunContext
    queue: CollectQueue

    async def list_all(self) -> StepReport:
        listed, unreadable = _Listed(), UnreadableRows()
        first = await self.context.stamp()

        async def read_once() -> set[str]:
            stamp, rows = await self.context.stamp(), list[UnreadableRow]()
            async for row in reachable_rows(self.psa.agreements()):
                if isinstance(row, UnreadableRow):
                    rows.append(row)
                    listed.odd_rows[row.company_id, row.id or row.reason] = row, stamp
                else:
                    listed.agreements[row.agreement_id] = row, stamp
                self.context.progress.advance()
            return listed.agreements.keys() | unreadable.note_all(rows)

        ids, shortfall = await read_whole(self.psa, Listing.AGREEMENTS, read_once)
        known = await self.queue.known_lines(self.context.run)
        entries = listed.entries(known.billed_agreement_ids)
        company_ids = {entry.company_id for entry in entries} | known.company_ids
        company_ids |= {company_id async for company_id in self._present_companies()}
        extent = ListingExtent.SHORT if shortfall else ListingExtent.WHOLE
        companies = [
            CompanyEntry(company_id, first.revision, first.observed_at, first.observed_at, extent)
            for company_id in company_ids
        ]
        await self.queue.fill(self.context.run, companies, entries, listed_revision=first.revision)
        return StepReport(
            counts={Listing.AGREEMENTS.value: len(ids)},
            shortfalls=(shortfall,) if shortfall else (),
            exceptions=listed.exceptions,
        )

    async def list_company(self, company: CompanyCollect) -> tuple[CompanyEntry, list[AgreementEntry]]:
        """Lists one company's agreements anew: all are due, and a manifest that rests on this list is whole.

        Raises what the PSA's client raises.
        """
        stamp = await self.context.stamp()
        rows = [row async for row in reachable_rows(self.psa.company_agreements(company.company_id))]
        billed_ids = {line.agreement_id for line in company.lines.values() if line.live}
        agreements = dict[str, AgreementEntry]()
        for row in rows:
            if isinstance(row, UnreadableRow):
                listed = _odd_entry(company.company_id, row, stamp)
            else:
                listed = _entry(row, stamp, was_billed=row.agreement_id in billed_ids)
            agreements[listed.agreement_id] = listed
        entry = replace(
            company.entry,
            listed_revision=stamp.revision,
            listed_at=stamp.observed_at,
            listing=ListingExtent.WHOLE,
        )
        return entry, [*agreements.values()]

    async def _present_companies(self) -> AsyncIterator[str]:
        async for company in self.context.publisher.last_seen(PsaAccountObserved):
            if company.present:
                yield company.account_id


def _entry(agreement: Agreement, stamp: Stamp, *, was_billed: bool) -> AgreementEntry:
    return AgreementEntry(
        company_id=agreement.company_id,
        agreement_id=agreement.agreement_id,
        listed_revision=stamp.revision,
        listed_at=stamp.observed_at,
        state=state_of_listed(agreement, was_billed=was_billed),
        agreement=agreement,
    )


def _odd_entry(company_id: str, row: UnreadableRow, stamp: Stamp) -> AgreementEntry:
    return AgreementEntry(
        company_id=company_id,
        agreement_id=row.id or _NAMELESS,
        listed_revision=stamp.revision,
        listed_at=stamp.observed_at,
        state=AgreementState.FAILED,
        why=row.reason,
    )
