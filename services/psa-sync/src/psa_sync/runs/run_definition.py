"""A full run of a PSA, step by step; a quick one is the same, for a PSA shows no changes in its lists."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from psa_sync.concurrency import CALLS_AT_ONCE
from psa_sync.psa import CatalogueItem, Company, Listing
from psa_sync.runs.agreement_lines import AgreementLineReader
from psa_sync.runs.listing import ListKind, ListReader
from psa_sync.runs.observations import account_observed, product_observed
from psa_sync.runs.ports import AgreementQueue, Connect, PsaConnection
from shared.contracts.psa_sync import ProductObserved, PsaAccountObserved
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
    queue: AgreementQueue
    calls_at_once: int = CALLS_AT_ONCE

    def steps(self) -> Sequence[RunStep]:
        return (
            self._step("companies", lambda psa, context: ListReader(COMPANIES, psa, context).read()),
            self._step("products", lambda psa, context: ListReader(PRODUCTS, psa, context).read()),
            self._step(_AGREEMENTS, lambda psa, context: self._lines(psa, context).list_agreements()),
            self._step("lines", lambda psa, context: self._lines(psa, context).read_lines()),
            self._step("vanished lines", self._confirm_absences),
        )

    async def tally(self, run: Run) -> RunTally:
        """Sums up the reports and the queue; nothing counts as read before the agreements are known."""
        progress = await self.queue.progress(run)
        counts = {name: count for report in run.reports.values() for name, count in report.counts.items()}
        coverage = (
            Decimal(progress.read) / progress.due if progress.due else Decimal(_AGREEMENTS in run.reports)
        )
        shortfalls = [sentence for report in run.reports.values() for sentence in report.shortfalls]
        return RunTally(
            counts | {"lines": progress.lines}, round(coverage, 4), (*shortfalls, *progress.failures)
        )

    async def _confirm_absences(self, psa: PsaConnection, context: RunContext) -> None:
        whole = not context.run.reports[_AGREEMENTS].shortfalls
        await self._lines(psa, context).confirm_absences(agreements_whole=whole)

    def _lines(self, psa: PsaConnection, context: RunContext) -> AgreementLineReader:
        return AgreementLineReader(psa, context, self.queue, self.calls_at_once)

    def _step(
        self, name: str, read: Callable[[PsaConnection, RunContext], Awaitable[StepReport | None]]
    ) -> RunStep:
        """Opens the PSA for one step."""

        async def do(context: RunContext) -> StepReport | None:
            async with self.connect(context.integration) as psa:
                return await read(psa, context)

        return RunStep(name, do)
