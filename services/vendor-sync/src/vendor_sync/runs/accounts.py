"""The accounts step: reads the whole list, and each account once that is no longer in it."""

from functools import partial

from shared.contracts.vendor_sync import VendorAccountObserved
from shared.errors import CredentialsRejected, PermanentError
from shared.refusals import Refusals
from shared.sync_engine.absences import confirm_absence, vanished
from shared.sync_engine.models import ProviderUnreachable
from shared.sync_engine.reports import StepReport
from vendor_sync.runs.observations import account_observed
from vendor_sync.runs.run_context import VendorRunContext


async def read_accounts(vendor: VendorRunContext) -> StepReport:
    """Publishes every account; reports how many were listed, and what could not be read."""
    listed_ids: set[str] = set()
    shortfalls, refusals = list[str](), Refusals()
    async for stamp, page in vendor.stamped_pages(vendor.marketplace.accounts()):
        await vendor.context.publisher.publish(account_observed(account, stamp) for account in page.rows)
        listed_ids |= {account.account_id for account in page.rows}
        vendor.context.progress.advance(len(page.rows), total=page.total)
        refusals.note(page.refused)
        if page.short:
            shortfalls.append(f"{len(listed_ids)} of {page.total} accounts could be listed")
    unread = await _confirm_absences(vendor, listed_ids)
    if unread:
        shortfalls.append(f"{unread} accounts that are no longer listed could not be read")
    return StepReport(
        counts={"accounts": len(listed_ids)}, shortfalls=(*shortfalls, *refusals.shortfalls("accounts"))
    )


async def _confirm_absences(vendor: VendorRunContext, listed_ids: set[str]) -> int:
    """Returns how many vanished accounts could not be read: these keep what was last known of them."""
    # Also when the list came back short or empty: what each account answers for itself is the truth.
    unread = 0
    missing = await vanished(vendor.context, VendorAccountObserved, listed_ids, lambda seen: seen.account_id)
    for last_seen in missing:
        read = partial(vendor.marketplace.account, last_seen.account_id)
        try:
            await confirm_absence(vendor.context, last_seen, read, account_observed)
        except (CredentialsRejected, ProviderUnreachable):
            raise
        except PermanentError:  # only the read raises it: publishing names what it cannot send in `refused`
            unread += 1
    return unread
