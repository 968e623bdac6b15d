"""The list steps: put what is listed into the detail queue, and at the end what changed or vanished."""

# Invariant: when the details are read for the last time, the queue holds every subscription that should be
# listed, and what readers hold is surely in the queue. The lists shift while hours of details are read, so
# they are read twice:
#
#   first listing {a, b}, details read …, second listing {a changed, c}
#   → a is due again, c is new and due, b is in no list and so due: it is read before it counts as absent

from collections.abc import Awaitable, Callable, Sequence

from shared.contracts.vendor_sync import SubscriptionStatus
from shared.refusals import Refusals
from shared.sync_engine.reports import StepReport
from shared.sync_engine.stamp import Stamp
from vendor_sync.marketplace import BILLABLE, ListPage, SubscriptionRow
from vendor_sync.runs.detail_queue import DetailEntry, DetailPlan, OfferOrder
from vendor_sync.runs.observations import unread_subscription_observed
from vendor_sync.runs.run_context import VendorRunContext

Decide = Callable[[SubscriptionRow, DetailEntry | None], DetailEntry]
TakePage = Callable[[Stamp, ListPage[SubscriptionRow]], Awaitable[None]]


async def list_first(vendor: VendorRunContext) -> StepReport:
    """Fills the queue; whatever was never read is published at once, its quantities unread."""
    plan = await _plan(vendor)

    async def take_page(stamp: Stamp, page: ListPage[SubscriptionRow]) -> None:
        await _enqueue(vendor, stamp, page.rows, plan.decide_at_first_listing)

    return await _read_lists(vendor, take_page)


async def list_again(vendor: VendorRunContext) -> StepReport:
    """Makes due what came, changed or vanished while the details were read."""
    plan, listed_ids = await _plan(vendor), set[str]()
    fingerprints = await vendor.queue.fingerprints(vendor.run)

    async def take_page(stamp: Stamp, page: ListPage[SubscriptionRow]) -> None:
        listed_ids.update(row.subscription_id for row in page.rows)
        # Unchanged rows, nearly all of them, cost neither a look-up nor a write.
        changed = [row for row in page.rows if fingerprints.get(row.subscription_id) != row.fingerprint]
        await _enqueue(vendor, stamp, changed, plan.decide_at_last_listing)

    report = await _read_lists(vendor, take_page)
    vendor.context.assert_lease()
    vanished = await vendor.queue.make_vanished_due(vendor.run, listed_ids)
    return report.model_copy(update={"counts": {**report.counts, "vanished": vanished}})


async def _plan(vendor: VendorRunContext) -> DetailPlan:
    return DetailPlan(
        run_id=vendor.run.run_id,
        kind=vendor.run.kind,
        now=vendor.context.clock(),
        freshness=vendor.context.integration.settings.freshness,
        order=OfferOrder(await vendor.queue.offers(vendor.run)),
    )


async def _read_lists(vendor: VendorRunContext, take_page: TakePage) -> StepReport:
    """Reads one list for each billable status: a list of statuses is refused by the vendor."""
    count = 0
    shortfalls: dict[SubscriptionStatus, str] = {}
    refusals = Refusals()
    for status in BILLABLE:
        before = count
        async for stamp, page in vendor.stamped_pages(vendor.marketplace.subscriptions(status)):
            await take_page(stamp, page)
            count += len(page.rows)
            vendor.context.progress.advance(len(page.rows), total=before + (page.total or 0))
            refusals.note(page.refused)
            if page.short:
                shortfalls[status] = f"fewer than {page.total} {status} subscriptions could be listed"
    return StepReport(
        counts={"subscriptions": count},
        shortfalls=(*shortfalls.values(), *refusals.shortfalls("subscriptions")),
    )


async def _enqueue(
    vendor: VendorRunContext, stamp: Stamp, rows: Sequence[SubscriptionRow], decide: Decide
) -> None:
    """Stores the entries before anything is published: what readers hold is surely in the queue."""
    existing = await vendor.queue.existing(vendor.run, [row.subscription_id for row in rows])
    entries = [decide(row, existing.get(row.subscription_id)) for row in rows]
    vendor.context.assert_lease()
    await vendor.queue.insert(
        vendor.run, [entry for entry in entries if entry.subscription_id not in existing]
    )
    await vendor.queue.replace(vendor.run, [entry for entry in entries if entry.subscription_id in existing])
    never_read = [entry.row for entry in entries if entry.read_at is None]
    await vendor.context.publisher.publish(unread_subscription_observed(row, stamp) for row in never_read)
