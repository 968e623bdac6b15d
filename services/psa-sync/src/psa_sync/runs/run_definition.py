"""A full run of a PSA, step by step; a quick one is the same, for a PSA shows no changes in its lists."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from psa_sync.concurrency import CALLS_AT_ONCE
from psa_sync.psa import CatalogueItem, Company, Listing
from psa_sync.runs.agreement_list import AgreementLister
from psa_sync.runs.company_reader import CompanyReader
from psa_sync.runs.listing import ListKind, ListReader
from psa_sync.runs.observations import account_observed, product_observed
from psa_sync.runs.ports import CollectQueue, Connect, PsaConnection
from shared.contracts.psa_sync import ProductObserved, PsaAccountObserved
from shared.contracts.run_end import UnreadAccount
from shared.sync_engine.manifest_publisher import ManifestPublisher
from shared.sync_engine.models import Run
from shared.sync_engine.reports import RunTally, StepReport
from shared.sync_engine.run_context import RunContext, RunStep

COMPANIES: ListKind[Company, PsaAccountObserved] = ListKind(
    Listing.COMPANIES,
    PsaAccountObserved,
    read_all=lambda psa: psa.companies(),
    read_by_id=lambda psa, id_: psa.company(id_),
    id_of=lambda company: company.company_id,
    observed_id=lambda account: account.account_id,
    observe=account_observed,
)
PRODUCTS: ListKind[CatalogueItem, ProductObserved] = ListKind(
    Listing.PRODUCTS,
    ProductObserved,
    read_all=lambda psa: psa.products(),
    read_by_id=lambda psa, id_: psa.product(id_),
    id_of=lambda item: item.product_id,
    observed_id=lambda product: product.product_id,
    observe=product_observed,
)
_AGREEMENTS = "agreements"


@dataclass(frozen=True, slots=True)
class PsaRunDefinition:
    """Says what a run of a PSA consists of."""

    connect: Connect
    queue: CollectQueue
    manifests: ManifestPublisher
    calls_at_once: int = CALLS_AT_ONCE

    def steps(self) -> Sequence[RunStep]:
        return (
            self._step("companies", lambda psa, context: ListReader(COMPANIES, psa, context).read()),
            self._step("products", lambda psa, context: ListReader(PRODUCTS, psa, context).read()),
            self._step(
                _AGREEMENTS, lambda psa, context: AgreementLister(psa, context, self.queue).list_all()
            ),
            self._step("lines", self._read_lines),
        )

    async def tally(self, run: Run) -> RunTally:
        """Sums up the reports and the queue; nothing counts as read before the agreements are known."""
        progress = await self.queue.progress(run)
        reports = run.reports.values()
        counts = {name: count for report in reports for name, count in report.counts.items()}
        coverage = (
            Decimal(progress.read) / progress.due if progress.due else Decimal(_AGREEMENTS in run.reports)
        )
        exceptions = [sentence for report in reports for sentence in report.exceptions]
        return RunTally(
            counts | {"lines": progress.lines},
            round(coverage, 4),
            shortfalls=tuple(sentence for report in reports for sentence in report.shortfalls),
            exceptions=(*exceptions, *progress.exceptions),
            unread_accounts=await self._unread_companies(run),
        )

    async def _unread_companies(self, run: Run) -> tuple[UnreadAccount, ...]:
        """Returns the companies that the run did not come to."""
        if _AGREEMENTS in run.reports:
            due, reason = await self.queue.company_ids(run), "the run ended before it was read"
        else:
            ids = await self.manifests.records.account_ids(run)
            due, reason = sorted(ids), "the run ended before the agreements were listed"
        published = await self.manifests.records.of_run(run)
        return tuple(
            UnreadAccount(account_id=company_id, reason=reason)
            for company_id in due
            if company_id not in published
        )

    async def _read_lines(self, psa: PsaConnection, context: RunContext) -> None:
        await CompanyReader(psa, context, self.queue, self.manifests, self.calls_at_once).read()

    def _step(
        self, name: str, read: Callable[[PsaConnection, RunContext], Awaitable[StepReport | None]]
    ) -> RunStep:
        """Opens the PSA for one step."""

        async def do(context: RunContext) -> StepReport | None:
            async with self.connect(context.integration) as psa:
                return await read(psa, context)

        return RunStep(name, do)
