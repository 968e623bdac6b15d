"""A run of a marketplace, step by step; full and quick runs differ in which details are due."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from shared.sync_engine.models import Run
from shared.sync_engine.reports import RunTally, StepReport
from shared.sync_engine.run_context import RunContext, RunStep
from vendor_sync.runs.accounts import read_accounts
from vendor_sync.runs.details import read_details
from vendor_sync.runs.listing import list_again, list_first
from vendor_sync.runs.ports import Connect, DetailQueue
from vendor_sync.runs.run_context import VendorRunContext
from vendor_sync.runs.service_names import rename_services

_FIRST_LISTING, _LAST_LISTING = "subscriptions", "confirming"


@dataclass(frozen=True, slots=True)
class VendorRunDefinition:
    """Says what a run of a marketplace consists of."""

    connect: Connect
    queue: DetailQueue

    def steps(self) -> Sequence[RunStep]:
        return (
            self._step("accounts", read_accounts),
            self._step(_FIRST_LISTING, list_first),
            self._step("details", read_details),
            self._step(_LAST_LISTING, list_again),
            self._step("remaining", read_details),
            self._step("names", rename_services),
        )

    async def tally(self, run: Run) -> RunTally:
        """Sums up the reports and the queue; nothing counts as read before the lists are known."""
        reports, progress = run.reports, await self.queue.progress(run)
        counts = {name: count for report in reports.values() for name, count in report.counts.items()}
        counts |= {"details": progress.done, "kept": progress.kept, "failed": progress.failed}
        coverage = progress.coverage if _FIRST_LISTING in reports else Decimal(0)
        # The listing at the end has the last word on whether the lists were whole.
        listing = reports.get(_LAST_LISTING) or reports.get(_FIRST_LISTING)
        shortfalls = [
            sentence
            for report in (reports.get("accounts"), listing)
            if report
            for sentence in report.shortfalls
        ]
        if progress.failed:
            shortfalls.append(
                f"{progress.failed} of {progress.total} details could not be read: {progress.failure}"
            )
        return RunTally(counts, coverage, tuple(shortfalls))

    def _step(self, name: str, read: Callable[[VendorRunContext], Awaitable[StepReport | None]]) -> RunStep:
        """Opens the marketplace for one step: between steps a run may rest for hours."""

        async def run_step(context: RunContext) -> StepReport | None:
            async with self.connect(context.integration) as marketplace:
                return await read(VendorRunContext(context, marketplace, self.queue))

        return RunStep(name, run_step)
