"""Lists the subscriptions of one account alone, and finds what its next collect has to read."""

# Invariant: the list counts only if every row is of the account that was asked for: an unknown filter is
# ignored in silence (Ingram Micro §8.7). It shows every status, so an ended id that was known to have ended,
# or never known, is no news:
#
#   known {a, b, d, e}   listed {a, b changed, c new, d removed, f removed} → b, c, d are due, and e

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from shared.contracts.manifest import ListingExtent
from vendor_sync.marketplace import BILLABLE, RefusedRow, SubscriptionRow
from vendor_sync.runs.account_collect import AccountListing
from vendor_sync.runs.detail_queue import (
    DetailEntry,
    DetailRank,
    DetailState,
    entry_key,
    entry_of_refused,
)
from vendor_sync.runs.ports import Marketplace


@dataclass(frozen=True, slots=True)
class ListedAccount:
    """What the list of one account holds."""

    listing: AccountListing
    rows: Mapping[str, SubscriptionRow] = field(default_factory=dict)
    """By the keys of their entries."""
    refused: Sequence[RefusedRow] = ()
    is_honoured: bool = True
    """False when the marketplace yields the rows of other accounts as well."""


async def list_account(marketplace: Marketplace, account_id: str, *, revision: int) -> ListedAccount:
    """Reads the list; `revision` was taken before. Raises what the marketplace raises."""
    rows: dict[str, SubscriptionRow] = {}
    refused: list[RefusedRow] = []
    extent = ListingExtent.WHOLE
    async for page in marketplace.account_subscriptions(account_id):
        if any(row.account_id != account_id for row in page.rows):
            return ListedAccount(AccountListing(revision, extent), is_honoured=False)
        rows |= {entry_key(row): row for row in page.rows}
        refused += page.refused
        if page.short:
            extent = ListingExtent.SHORT
    return ListedAccount(AccountListing(revision, extent), rows, refused)


def entries_to_read(
    entries: Sequence[DetailEntry], listed: ListedAccount, *, run_id: str
) -> list[DetailEntry]:
    """Returns those of these entries that the list shows otherwise, or no more, as they are due."""
    odd = {row.id for row in listed.refused}
    due = []
    for entry in entries:
        row = listed.rows.get(entry.key)
        if entry.subscription_id not in odd and _differs(entry, row):
            shown = row is not None and row.status in BILLABLE
            due.append(replace(entry, row=row or entry.row).due_again(run_id, listed=shown))
    return due


def entries_to_add(known_keys: Collection[str], listed: ListedAccount, *, run_id: str) -> list[DetailEntry]:
    """Returns an entry for each subscription in the list that is not known."""
    entries = [
        DetailEntry(row, run_id, DetailState.DUE, DetailRank.ACCOUNT)
        for row in listed.rows.values()
        if row.status in BILLABLE
    ]
    entries += [entry for row in listed.refused if (entry := entry_of_refused(row, run_id))]
    return [entry for entry in entries if entry.key not in known_keys]


def _differs(entry: DetailEntry, row: SubscriptionRow | None) -> bool:
    if row is None:
        return entry.live and entry.listed
    # The list shows also what has ended: that is no news of what is known to have ended.
    return row.fingerprint != entry.row.fingerprint and (entry.live or row.status in BILLABLE)
