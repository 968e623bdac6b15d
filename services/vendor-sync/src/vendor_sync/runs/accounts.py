"""The accounts step: the whole list, and one look at each account that is no longer in it."""

from collections.abc import Mapping

from shared.contracts.vendor_sync import VendorAccountObserved
from shared.errors import CredentialsRejected, PermanentError
from shared.runtime.attempt import attempt
from shared.sync_engine.models import provider_trouble
from vendor_sync.runs.observations import account_gone, account_observed
from vendor_sync.runs.run_context import VendorRunContext


async def read_accounts(reading: VendorRunContext) -> Mapping[str, str]:
    """Publish every account; returns the run's notes."""
    listed: set[str] = set()
    notes = {}
    async for stamp, page in reading.pages(reading.marketplace.accounts()):
        await reading.walk.observer.publish(account_observed(account, stamp) for account in page.rows)
        listed |= {account.account_id for account in page.rows}
        reading.walk.progress.advance(len(page.rows), total=page.total)
        if page.short:
            notes["accounts_short"] = f"{len(listed)} of {page.total} accounts could be listed"
    unread = await _look_for_vanished(reading, listed)
    if unread:
        notes["accounts_unread"] = f"{unread} accounts that are no longer listed could not be read"
    return {"accounts": str(len(listed)), **notes}


async def _look_for_vanished(reading: VendorRunContext, listed: set[str]) -> int:
    """Returns how many could not be read: these keep what was last known of them."""
    # Also when the list came back short or empty: what each answers for itself is the truth.
    vanished = [
        seen
        async for seen in reading.walk.observer.seen(VendorAccountObserved)
        if seen.present and seen.account_id not in listed
    ]
    return sum([not await _looked(reading, seen) for seen in vanished])


async def _looked(reading: VendorRunContext, seen: VendorAccountObserved) -> bool:
    stamp = await reading.stamp()
    with provider_trouble():
        account = await attempt(reading.marketplace.account(seen.account_id))
        if isinstance(account, PermanentError) and not isinstance(account, CredentialsRejected):
            return False
        if isinstance(account, Exception):
            raise account
    found = account_observed(account, stamp) if account else account_gone(seen, stamp)
    await reading.walk.observer.publish([found])
    return True
