"""The list steps: put what is listed into the detail queue, and at the end what changed or vanished."""

# Invariant: when details are read, the queue holds every subscription that was in a list, and every one that
# an account had and no list shows: nothing that was known is left out before it is read. The lists shift
# while hours of details are read, so they are read twice:
#
#   known {a, v}, first listing {a, b}   → a, b and v are due, details read …
#   second listing {a changed, c}        → a is due again, c is new and due, b is in no list and so due
#
# A row that cannot be understood is named, and what it is about is read by itself, as far as that is known.

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from shared.contracts.manifest import ListingExtent
from shared.contracts.vendor_sync import SubscriptionStatus
from shared.sync_engine.reports import StepReport
from shared.sync_engine.stamp import Stamp
from vendor_sync.marketplace import BILLABLE, ListPage, RefusedRow, SubscriptionRow
from vendor_sync.runs.accounts import name_unlisted_accounts
from vendor_sync.runs.collected_accounts import CollectedAccounts
from vendor_sync.runs.detail_queue import (
    DetailEntry,
    DetailPlan,
    OfferOrder,
    entry_key,
    entry_of_refused,
)
from vendor_sync.runs.observations import unread_subscription_observed
from vendor_sync.runs.refused_rows import RefusedRows
from vendor_sync.runs.run_context import FIRST_LISTING, VendorRunContext

Decide = Callable[[SubscriptionRow, DetailEntry | None], DetailEntry]


async def list_first(vendor: VendorRunContext) -> StepReport:
    """Fills the queue; whatever was never read is published at once, its quantities unread."""
    await vendor.queue.discard_outdated(vendor.run)
    await vendor.stores.journal.clear(vendor.run)  # of runs that ended: this one has no answer yet
    plan = await _plan(vendor)
    lists = SubscriptionLists(vendor, plan.decide_at_first_listing)
    report = await lists.read()
    vanished = await vendor.queue.make_vanished_due(vendor.run, lists.listed_keys, listed_before=False)
    exceptions = await name_unlisted_accounts(vendor)
    counts = {**report.counts, "vanished": vanished}
    return report.model_copy(update={"counts": counts, "exceptions": (*report.exceptions, *exceptions)})


async def list_again(vendor: VendorRunContext) -> StepReport:
    """Makes due what came, changed or vanished while the details were read, and what waited for it."""
    plan = await _plan(vendor)
    # Before the lists: what a list makes due has not been read by this run any more.
    await _make_waiting_due(vendor)
    known = await vendor.queue.fingerprints(vendor.run)
    lists = SubscriptionLists(vendor, plan.decide_at_later_listing, known)
    report = await lists.read()
    vanished = await vendor.queue.make_vanished_due(vendor.run, lists.listed_keys, listed_before=True)
    exceptions = await name_unlisted_accounts(vendor)
    first = vendor.run.reports[FIRST_LISTING].counts
    counts = {**report.counts, "vanished": first.get("vanished", 0) + vanished}
    return report.model_copy(update={"counts": counts, "exceptions": (*report.exceptions, *exceptions)})


@dataclass(slots=True)
class SubscriptionLists:
    """Reads one list for each billable status: a list of statuses is refused by the vendor."""

    vendor: VendorRunContext
    decide: Decide
    known: dict[str, str] = field(default_factory=dict)
    """Fingerprints of the rows that were listed before, by the keys of their entries."""
    listed_keys: set[str] = field(default_factory=set)
    refused: RefusedRows = field(default_factory=lambda: RefusedRows("subscription"))
    count: int = 0

    async def read(self) -> StepReport:
        vendor = self.vendor
        # Before the first page: what was there by then is in the lists, or known.
        revision = await vendor.context.publisher.next_revision()
        shortfalls: dict[SubscriptionStatus, str] = {}
        for status in BILLABLE:
            before = self.count
            async for stamp, page in vendor.stamped_pages(vendor.marketplace.subscriptions(status)):
                await self._take_page(stamp, page)
                vendor.context.progress.advance(len(page.rows), total=before + (page.total or 0))
                if page.short:
                    shortfalls[status] = f"fewer than {page.total} {status} subscriptions could be listed"
        return StepReport(
            counts={"subscriptions": self.count},
            shortfalls=tuple(shortfalls.values()),
            exceptions=self.refused.exceptions,
            listed_revision=revision,
            listing=ListingExtent.SHORT if shortfalls else ListingExtent.WHOLE,
        )

    async def _take_page(self, stamp: Stamp, page: ListPage[SubscriptionRow]) -> None:
        self.count += len(page.rows)
        rows = {entry_key(row): row for row in page.rows}
        self.listed_keys |= rows.keys()
        self.refused.note(page.refused)
        # Unchanged rows, nearly all of them at the end, cost neither a look-up nor a write.
        changed = {key: row for key, row in rows.items() if self.known.get(key) != row.fingerprint}
        await self._enqueue(stamp, changed)
        await self._enqueue_refused(page.refused)

    async def _enqueue(self, stamp: Stamp, rows: dict[str, SubscriptionRow]) -> None:
        """Stores the entries before anything is published: what readers hold is surely in the queue."""
        queue, run = self.vendor.queue, self.vendor.run
        existing = await queue.existing(run, rows)
        entries = [self.decide(row, existing.get(key)) for key, row in rows.items()]
        self.vendor.context.assert_lease()
        await queue.insert(run, [entry for entry in entries if entry.key not in existing])
        await queue.replace(run, [entry for entry in entries if entry.key in existing])
        never_read = [entry.row for entry in entries if entry.read_at is None]
        await self.vendor.context.publisher.publish(
            unread_subscription_observed(row, stamp) for row in never_read
        )

    async def _enqueue_refused(self, rows: Sequence[RefusedRow]) -> None:
        run = self.vendor.run
        entries = [entry for row in rows if (entry := entry_of_refused(row, run.run_id))]
        # What is known already is in no list now, and so it is due as well, unless the run has read it.
        self.listed_keys |= {entry.key for entry in entries} & self.known.keys()
        if entries:
            await self.vendor.queue.insert(run, entries)


async def _plan(vendor: VendorRunContext) -> DetailPlan:
    return DetailPlan(
        run_id=vendor.run.run_id,
        kind=vendor.run.kind,
        now=vendor.context.clock(),
        freshness=vendor.context.integration.settings.freshness,
        order=OfferOrder(await vendor.queue.offers(vendor.run)),
    )


async def _make_waiting_due(vendor: VendorRunContext) -> None:
    """Makes due what the second collects read that have waited for the lists at the end."""
    accounts = await CollectedAccounts.of(vendor, may_wait=True)
    for collect in accounts.collects.values():
        if collect.waits:
            await accounts.collect_again(collect.account_id, frozenset(collect.concerned_items), None)
