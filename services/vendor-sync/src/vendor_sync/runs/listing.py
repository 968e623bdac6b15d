"""The list steps: what is listed goes on the to-do list; at the end, what changed or vanished meanwhile."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from shared.contracts.vendor_sync import SubscriptionStatus
from vendor_sync.marketplace import BILLABLE, ListPage, SubscriptionRow
from vendor_sync.runs.detail_queue import DetailEntry, DetailPlan, OfferOrder
from vendor_sync.runs.observations import Stamp, listed
from vendor_sync.runs.run_context import VendorRunContext

Decide = Callable[[SubscriptionRow, DetailEntry | None], DetailEntry]
TakeIn = Callable[[Stamp, ListPage[SubscriptionRow]], Awaitable[None]]


async def list_first(reading: VendorRunContext) -> Mapping[str, str]:
    """Fill the to-do list; whatever was never read is published at once, its quantities unread."""
    plan = await _plan(reading)

    async def take_in(stamp: Stamp, page: ListPage[SubscriptionRow]) -> None:
        await _enter(reading, stamp, page.rows, plan.listed_first)

    return await _read_lists(reading, take_in)


async def list_again(reading: VendorRunContext) -> Mapping[str, str]:
    """What came or changed while the details were read is due; what is in no list now is looked at once."""
    plan, there = await _plan(reading), set[str]()
    before = await reading.todo.fingerprints(reading.run)

    async def take_in(stamp: Stamp, page: ListPage[SubscriptionRow]) -> None:
        there.update(row.subscription_id for row in page.rows)
        # Unchanged rows, nearly all of them, cost neither a lookup nor a write.
        news = [row for row in page.rows if before.get(row.subscription_id) != row.fingerprint]
        await _enter(reading, stamp, news, plan.listed_again)

    notes = await _read_lists(reading, take_in)
    reading.check()
    vanished = await reading.todo.vanish(reading.run, there)
    return {**notes, "vanished": str(vanished)}


async def _plan(reading: VendorRunContext) -> DetailPlan:
    return DetailPlan(
        run_id=reading.run.run_id,
        kind=reading.run.kind,
        now=reading.clock(),
        freshness=reading.known.settings.freshness,
        order=OfferOrder(await reading.todo.offers(reading.run)),
    )


async def _read_lists(reading: VendorRunContext, take_in: TakeIn) -> Mapping[str, str]:
    notes, count = {}, 0
    for status in BILLABLE:
        before = count
        async for stamp, page in reading.pages(reading.marketplace.subscriptions(status)):
            await take_in(stamp, page)
            count += len(page.rows)
            reading.walk.progress.advance(len(page.rows), total=before + (page.total or 0))
            # The listing at the end has the last word on whether a list was whole.
            notes[f"{status}_short"] = _shortfall(status, page) if page.short else ""
    return {"subscriptions": str(count), **notes}


async def _enter(
    reading: VendorRunContext, stamp: Stamp, rows: Sequence[SubscriptionRow], decide: Decide
) -> None:
    """Remembered before it is published: what readers hear of is surely on the to-do list."""
    known = await reading.todo.known(reading.run, [row.subscription_id for row in rows])
    entries = [decide(row, known.get(row.subscription_id)) for row in rows]
    reading.check()
    await reading.todo.add(reading.run, [entry for entry in entries if entry.subscription_id not in known])
    await reading.todo.put(reading.run, [entry for entry in entries if entry.subscription_id in known])
    never_read = [entry.row for entry in entries if entry.read_at is None]
    await reading.walk.observer.publish(listed(row, stamp) for row in never_read)


def _shortfall(status: SubscriptionStatus, page: ListPage[SubscriptionRow]) -> str:
    return f"fewer than {page.total} {status} subscriptions could be listed"
