"""A run of a marketplace, step by step; full and quick runs differ in which details are due."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from shared.contracts.base import RunKind
from shared.contracts.run_end import UnreadAccount
from shared.sync_engine.models import Run
from shared.sync_engine.reports import RunTally, StepReport
from shared.sync_engine.run_context import FINISHING, RunContext, RunStep
from vendor_sync.runs.account_collect import RENEWALS_LISTED_WITHIN
from vendor_sync.runs.accounts import read_accounts
from vendor_sync.runs.details import read_details, read_remaining
from vendor_sync.runs.final_manifests import publish_missing_manifests
from vendor_sync.runs.listing import list_again, list_first
from vendor_sync.runs.ports import AccountProgress, Connect, VendorRunStores
from vendor_sync.runs.run_context import FIRST_LISTING, LAST_LISTING, VendorRunContext
from vendor_sync.runs.service_names import settle_services

_SERVICES = "services"
_BEHIND_MANIFESTS = (_SERVICES, FINISHING)
_NAMED = 200
"""How many details that could not be read are named; more would not fit into run-finished."""
_CHARACTERS = 400


@dataclass(frozen=True, slots=True)
class VendorRunDefinition:
    """Says what a run of a marketplace consists of."""

    connect: Connect
    stores: VendorRunStores
    renewals_listed_within: timedelta = RENEWALS_LISTED_WITHIN

    def steps(self) -> Sequence[RunStep]:
        return (
            self._step("accounts", read_accounts),
            self._step(FIRST_LISTING, list_first),
            self._step("details", read_details),
            self._step(LAST_LISTING, list_again),
            self._step("remaining", read_remaining),
            self._step("manifests", publish_missing_manifests),
            self._step(_SERVICES, settle_services),
        )

    async def tally(self, run: Run) -> RunTally:
        """Sums up the reports and the queue; nothing counts as read before the lists are known."""
        reports, overview = run.reports, await self.stores.queue.overview(run)
        progress = overview.progress
        counts = {name: count for report in reports.values() for name, count in report.counts.items()}
        counts |= {"details": progress.done, "kept": progress.kept, "failed": progress.failed}
        coverage = progress.coverage if FIRST_LISTING in reports else Decimal(0)
        # The listing at the end has the last word on whether the lists were whole.
        listing = reports.get(LAST_LISTING) or reports.get(FIRST_LISTING)
        shortfalls = [
            sentence
            for report in (reports.get("accounts"), listing)
            if report
            for sentence in report.shortfalls
        ]
        exceptions = [sentence for report in reports.values() for sentence in report.exceptions]
        exceptions += await self._unread_details(run, progress.failed)
        exceptions += await self._moving_accounts(run)
        return RunTally(
            counts,
            coverage,
            tuple(shortfalls),
            tuple(dict.fromkeys(exceptions)),
            tuple(await self._unread_accounts(run, overview.accounts)),
        )

    async def _unread_details(self, run: Run, count: int) -> list[str]:
        sentences = [
            f"account {one.account_id}: subscription {one.subscription_id} could not be read: {one.why}"
            for one in await self.stores.queue.failed(run, _NAMED)
        ]
        sentences = [sentence[:_CHARACTERS] for sentence in sentences]
        return sentences + ([f"and {count - _NAMED} more subscriptions"] if count > _NAMED else [])

    async def _moving_accounts(self, run: Run) -> list[str]:
        collects = await self.stores.collects.of_run(run)
        return [
            f"account {collect.account_id}: its numbers are not sure until next time, {collect.trouble}"[
                :_CHARACTERS
            ]
            for collect in collects.values()
            if collect.trouble
        ]

    async def _unread_accounts(
        self, run: Run, progress: Mapping[str, AccountProgress]
    ) -> list[UnreadAccount]:
        """Returns the accounts that the run was to read, and of which it made no manifest."""
        records = self.stores.manifests.records
        published, revisions = await records.of_run(run), await records.revisions(run)
        unread = {
            account_id
            for account_id, one in progress.items()
            if one.due or one.asked_revision > revisions.get(account_id, 0)
        }
        if run.kind is RunKind.FULL and run.phase not in _BEHIND_MANIFESTS:
            unread |= (progress.keys() | revisions.keys()) - published.keys()
        reason = "the run ended before all of it was read"
        return [UnreadAccount(account_id=account_id, reason=reason) for account_id in sorted(unread)]

    def _step(self, name: str, read: Callable[[VendorRunContext], Awaitable[StepReport | None]]) -> RunStep:
        """Opens the marketplace for one step: between steps a run may rest for hours."""

        async def run_step(context: RunContext) -> StepReport | None:
            async with self.connect(context.integration) as marketplace:
                return await read(
                    VendorRunContext(context, marketplace, self.stores, self.renewals_listed_within)
                )

        return RunStep(name, run_step)
