"""Recomputes the ages of a line when it is read, because a manifest that changes nothing stores no line."""

# Storing every line again after each run, only to make it younger, would cost as much as the first sync. So
# ages are computed again whenever a line is read, by the same functions that the calculation uses.
#
# Invariant: no number is shown as of a reading that says otherwise. Ages are brought up only while the
# manifests that count say what those said that the line was calculated with.
#
#   stored as of the 1st, read again on the 5th and found the same   → shown as of the 5th
#   7 as of the 1st, read on the 5th: 9, not calculated yet          → 7 as of the 1st

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from hashlib import sha256

from billing.usage.manifest import Manifests
from billing.usage.psa_count import billed_as_of
from billing.usage.ref import Ref
from billing.usage.usage_line import Evidence, UnshownItems, UsageLine
from billing.usage.vendor_count import Contributor, contributors_of, oldest_as_of
from shared.contracts.billing import Count


def accounts_of(lines: Iterable[UsageLine]) -> set[Ref]:
    """The accounts of both sides whose manifests tell the ages of these lines."""
    accounts: set[Ref] = set()
    for line in lines:
        accounts.update(item.account for item in line.evidence.items)
        accounts.update(map(Ref.decode, line.vendor_accounts))
        accounts.add(line.account)
    return accounts


def manifests_digest(accounts: Iterable[Ref], manifests: Manifests) -> str:
    """A hash of what these manifests say of a line's accounts, ages left out; 64 hex digits."""
    told = (f"{account} {manifests[account].digest}" for account in sorted(accounts) if account in manifests)
    return sha256("\n".join(told).encode()).hexdigest()


def _later(as_of: datetime, manifests: Manifests, account: Ref, thing_id: str) -> datetime:
    """The age by the account's present manifest; the read-back of a write is younger than that."""
    manifest = manifests.get(account)
    return max(as_of, manifest.age_of(thing_id)) if manifest else as_of


def _with_current_age(more: UnshownItems | None, manifests: Manifests) -> UnshownItems | None:
    """Items that are not shown are known by account alone: none is older than the account's oldest thing."""
    if more is None:
        return None
    accounts = tuple(
        account.model_copy(update={"as_of": max(account.as_of, manifests[account.ref].oldest_age)})
        if account.ref in manifests
        else account
        for account in more.accounts
    )
    return more.model_copy(update={"accounts": accounts})


def with_current_ages(line: UsageLine, manifests: Manifests) -> UsageLine:
    """The line with each `as_of` brought up to the manifests that were applied since it was calculated.

    One that they contradict, or of which it is not known what it was calculated with, stays as it is.
    """
    if line.manifests_digest != manifests_digest(accounts_of([line]), manifests):
        return line
    items = [
        replace(item, as_of=_later(item.as_of, manifests, item.account, item.subscription_id))
        for item in line.evidence.items
    ]
    billed = [
        one.model_copy(update={"as_of": _later(one.as_of, manifests, line.account, one.line_id)})
        for one in line.evidence.billed
    ]
    more = _with_current_age(line.evidence.more, manifests)
    unshown = more.accounts if more else ()
    evidence = line.evidence.model_copy(update={"items": tuple(items), "billed": tuple(billed), "more": more})
    accounts = {*map(Ref.decode, line.vendor_accounts)} - {account.ref for account in unshown}
    contributors = contributors_of(evidence.counting, accounts, manifests)
    contributors += [Contributor(account.integration_id, account.as_of) for account in unshown]
    vendor_as_of = oldest_as_of(contributors)
    psa_as_of = billed_as_of(billed, manifests.get(line.account)) if line.psa_integration_id else None
    changes: dict[str, Evidence | Count] = {"evidence": evidence}
    if vendor_as_of:
        changes["vendor_count"] = line.vendor_count.model_copy(update={"as_of": vendor_as_of})
    if psa_as_of:
        changes["psa_count"] = line.psa_count.model_copy(update={"as_of": psa_as_of})
    return line.model_copy(update=changes)
