"""The accounts step: reads the whole list, and each account once that is no longer in it."""

# Invariant: whoever has subscriptions is an account, listed or not (Ingram Micro §9.1): it is named by its
# own answer, or `Customer #<id>` until a list names it, and is not absent while it has any.
#
#   listed {a}   known {a, b, c}, c has subscriptions   b answers none → absent   c answers none → as before
#   a subscription of d, who was never listed           d answers none → "Customer #d", status unknown

from functools import partial

from shared.contracts.vendor_sync import VendorAccountObserved, unlisted_name
from shared.errors import CredentialsRejected, PermanentError
from shared.sync_engine.absences import confirm_absence, vanished
from shared.sync_engine.models import ProviderUnreachable, translate_provider_errors
from shared.sync_engine.reports import StepReport
from vendor_sync.marketplace import Customer
from vendor_sync.runs.observations import account_observed
from vendor_sync.runs.refused_rows import RefusedRows
from vendor_sync.runs.run_context import VendorRunContext

_CHARACTERS = 300


async def read_accounts(vendor: VendorRunContext) -> StepReport:
    """Publishes every account; reports how many were listed, and what could not be read."""
    listed_ids: set[str] = set()
    shortfalls, refused = list[str](), RefusedRows("account")
    async for stamp, page in vendor.stamped_pages(vendor.marketplace.accounts()):
        await vendor.context.publisher.publish(account_observed(account, stamp) for account in page.rows)
        listed_ids |= {account.account_id for account in page.rows}
        vendor.context.progress.advance(len(page.rows), total=page.total)
        refused.note(page.refused)
        if page.short:
            shortfalls.append(f"{len(listed_ids)} of {page.total} accounts could be listed")
    exceptions = await _confirm_absences(vendor, listed_ids)
    return StepReport(
        counts={"accounts": len(listed_ids)},
        shortfalls=tuple(shortfalls),
        exceptions=(*refused.exceptions, *exceptions),
    )


async def name_unlisted_accounts(vendor: VendorRunContext) -> list[str]:
    """Publishes each account that has subscriptions and was never listed; returns what could not be read."""
    overview = await vendor.queue.overview(vendor.run)
    of_subscriptions = {account_id for account_id, one in overview.accounts.items() if one.live}
    exceptions = []
    for account_id in sorted(of_subscriptions - await vendor.known_account_ids()):
        stamp = await vendor.context.stamp()
        account = None
        try:
            with translate_provider_errors():
                account = await vendor.marketplace.account(account_id)
        except (CredentialsRejected, ProviderUnreachable):
            raise
        except PermanentError as error:
            exceptions.append(_sentence(account_id, error))
        unnamed = Customer(account_id, unlisted_name(account_id), None, "unknown")
        await vendor.context.publisher.publish([account_observed(account or unnamed, stamp)])
    return exceptions


async def _confirm_absences(vendor: VendorRunContext, listed_ids: set[str]) -> list[str]:
    """Returns which vanished accounts could not be read: these keep what was last known of them."""
    # Also when the list came back short or empty: what each account answers for itself is the truth.
    exceptions = []
    missing = await vanished(vendor.context, VendorAccountObserved, listed_ids, lambda seen: seen.account_id)
    progress = (await vendor.queue.overview(vendor.run)).accounts if missing else {}
    for last_seen in missing:
        read = partial(vendor.marketplace.account, last_seen.account_id)
        one = progress.get(last_seen.account_id)
        try:
            await confirm_absence(
                vendor.context, last_seen, read, account_observed, stays=one is not None and one.live > 0
            )
        except (CredentialsRejected, ProviderUnreachable):
            raise
        except PermanentError as error:  # only the read: publishing names what it cannot send in `refused`
            exceptions.append(_sentence(last_seen.account_id, error))
    return exceptions


def _sentence(account_id: str, error: Exception) -> str:
    return f"account {account_id} is in no list and could not be read: {error}"[:_CHARACTERS]
