"""The step behind all reading: publishes the manifest of every account that has none of this run yet."""

# Invariant: after a full run every account has a manifest of it: also one without subscriptions, whose zero
# is known, and one of which a killed worker read everything. An account that was published while the lists
# fell short is published again when those at the end are whole: nothing of it is missing. So is one of which
# something had ended, once the lists began late enough to show its renewal; quick runs see to that as well.
#
#   known {a, b, c}   published {a, b}           → c
#   first lists short, published {a, b} as short → a, b and c, if the last lists are whole
#   x of a read at 09:00 to have ended           → a, by whole lists of 21:00 or later

from itertools import islice

from shared.contracts.base import RunKind, key_of
from shared.contracts.manifest import ListingExtent
from vendor_sync.runs.collected_accounts import CollectedAccounts
from vendor_sync.runs.run_context import VendorRunContext

_MANIFESTS_AT_ONCE = 100


async def publish_missing_manifests(vendor: VendorRunContext) -> None:
    """Publishes by what is stored; no call is made."""
    accounts = await CollectedAccounts.of(vendor, may_wait=False)
    progress = (await vendor.queue.overview(vendor.run)).accounts
    published = set(await vendor.stores.manifests.records.of_run(vendor.run))
    due: set[str] = set()
    if vendor.run.kind is RunKind.FULL:
        due = (progress.keys() | await vendor.known_account_ids()) - published
    if accounts.lists.extent is ListingExtent.WHOLE:
        awaiting = await vendor.stores.manifests.records.awaiting(vendor.run)
        due |= {account_id for account_id, listed in awaiting.items() if listed <= accounts.lists.revision}
        due |= published if vendor.first_lists.extent is ListingExtent.SHORT else set()
    rest = iter(sorted(due, key=lambda account_id: key_of(account_id, "")))
    now = vendor.context.clock()
    while batch := list(islice(rest, _MANIFESTS_AT_ONCE)):
        collected = await accounts.load(batch)
        await accounts.publish([account.manifest(now) for account in collected if not account.due])
