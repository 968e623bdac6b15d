"""How much the vendor says is bought: the sum of the items that count, or why there is none."""

# Invariant: no number is not zero (architecture §4). A sum is a number only when all that it rests on was
# read within the freshness setting, and was so at one instant: the items that count, *and* each account that
# could have bought the product and has none of it.
#
#   4 of acme, beta was completely read, without any → 4, as old as the older reading
#   4 of acme, beta was never read                   → unread, known part 4
#   4 of acme, read once so far                      → unread, known part 4: the next run confirms it
#   4 of acme, and others have ended lately          → unread, known part 4: a renewal may not be listed yet
#   4 of acme, its marketplace was left for another  → 4: one that was left says nothing against the others
#   4 of acme, and a line without quantity           → unquantified ("mixed"), known part 4
#   4 of acme, and 5 that were pending, unread since → unread, known part 4: the 5 may be active by now

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from billing.usage.account_group import AccountGroup, TenantContext
from billing.usage.allocation import LineBasis
from billing.usage.manifest import (
    AppliedManifest,
    EndedThings,
    Manifests,
    common_span,
    ended_things,
    renewals_listed_from,
)
from billing.usage.ref import Ref, RefKind, mapped_to
from billing.usage.shares import Share
from billing.usage.usage_line import CountStatus, VendorItem
from shared.contracts.base import NoNumber
from shared.contracts.billing import Count
from shared.contracts.manifest import ListingExtent


@dataclass(frozen=True, slots=True)
class Contributor:
    """Part of a sum: an item that counts, or an account that has none of the product."""

    integration_id: str
    as_of: datetime | None
    """When it was last read; None when the account was never completely read."""


@dataclass(frozen=True, slots=True)
class VendorCount:
    """The vendor's side of a usage line."""

    count: Count
    items: Sequence[VendorItem]
    counting: Sequence[VendorItem]
    shares: Sequence[Share]
    """What the line takes of the services that it is made of; none where all is taken."""
    ended: EndedThings
    accounts: tuple[Ref, ...]
    """The accounts that the count rests on, sorted."""
    preview: Decimal | None
    """What the items of pending integrations would add; None when there are none."""
    changes_at: Sequence[datetime]
    """The moments at which a contributor becomes stale."""

    @property
    def anything_mapped(self) -> bool:
        """Whether any vendor account could have bought the product."""
        return bool(self.accounts)


@dataclass(frozen=True, slots=True)
class _Sources:
    """What a sum rests on: accounts that could have bought the items, and what they were read to have."""

    accounts: Sequence[Ref]
    manifests: Sequence[AppliedManifest]
    """Of those accounts that have one."""
    item_ids: Sequence[str]

    @property
    def all_read(self) -> bool:
        return len(self.manifests) == len(self.accounts)


def count_vendor(basis: LineBasis, group: AccountGroup, now: datetime) -> VendorCount:
    """The sum of the items that count, or why there is no such number."""
    rules = group.context.rules
    counting = [item for item in basis.items if item.counts]
    previews = [item for item in basis.items if item.standing is CountStatus.PREVIEW]
    sources = _sources(basis, group, counting)
    contributors = contributors_of(counting, sources.accounts, group.manifests)
    stale_at = [one.as_of + rules[one.integration_id].freshness for one in contributors if one.as_of]
    known = basis.quantity_of(counting)
    stale = any(now >= moment for moment in stale_at)
    missing, detail = _missing(counting, sources, contributors, group.context, stale=stale)
    if not missing and (detail := _sourceless(basis, group.context)):
        missing = NoNumber.UNQUANTIFIED
    as_of = oldest_as_of(contributors)
    ended = ended_things(sources.manifests, sources.item_ids)
    if missing:
        count = Count(missing=missing, known_part=known, detail=detail, as_of=as_of)
    elif not sources.accounts:
        pending = "its marketplace is pending: finish mapping" if previews else None
        count = Count(detail=pending or "no vendor account is mapped to it")
    else:
        # Everything that was bought is verified gone: the zero is marked `absent`.
        absent = bool(ended.count) and not basis.items
        count = Count(number=known, missing=NoNumber.ABSENT if absent else None, as_of=as_of)
    return VendorCount(
        count,
        basis.items,
        counting,
        basis.shares,
        ended,
        tuple(sorted(sources.accounts)),
        basis.quantity_of(previews) if previews else None,
        stale_at,
    )


def _sources(basis: LineBasis, group: AccountGroup, counting: Sequence[VendorItem]) -> _Sources:
    """The accounts that a sum rests on.

    One of a disconnected marketplace is left out only beside items that count: where nothing counts, a zero
    would rest on marketplaces that were not asked. One of a pending marketplace adds nothing yet.
    """
    rules, bought_from = group.context.rules, {item.account for item in counting}
    accounts = [
        account
        for account in basis.selling_accounts
        if (rules[account.integration_id].connected or not counting or account in bought_from)
        and not group.previews(account.integration_id)
    ]
    manifests = [group.manifests[account] for account in accounts if account in group.manifests]
    return _Sources(accounts, manifests, [service.id for service in basis.services])


def contributors_of(
    counting: Sequence[VendorItem], accounts: Iterable[Ref], manifests: Manifests
) -> list[Contributor]:
    """The contributors to a sum: each item that counts, and each account without an item that counts."""
    buying = {item.account for item in counting}
    contributors = [Contributor(item.integration_id, item.as_of) for item in counting]
    for account in accounts:
        if account not in buying:
            manifest = manifests.get(account)
            contributors.append(Contributor(account.integration_id, manifest.read_from if manifest else None))
    return contributors


def oldest_as_of(contributors: Iterable[Contributor]) -> datetime | None:
    """The moment as of which a sum is known: that of its oldest contributor; None when nothing was read."""
    return min((one.as_of for one in contributors if one.as_of), default=None)


def _missing(
    counting: Sequence[VendorItem],
    sources: _Sources,
    contributors: Sequence[Contributor],
    context: TenantContext,
    *,
    stale: bool,
) -> tuple[NoNumber | None, str | None]:
    """Why the sum is no number, with a sentence for people; of several reasons the first one here."""
    if not all(context.rules[one.integration_id].connected for one in contributors):
        return NoNumber.NOT_CONNECTED, None
    if any(context.doubts(manifest) for manifest in sources.manifests):
        return NoNumber.HELD, "its run changes an unlikely share of all numbers: release or reject the run"
    if why := _unread(counting, sources):
        return NoNumber.UNREAD, why
    if unquantified := [item for item in counting if item.missing]:
        mixed = len(unquantified) < len(counting)
        return NoNumber.UNQUANTIFIED, "mixed" if mixed else unquantified[0].detail
    return (NoNumber.STALE, None) if stale else (None, None)


def _sourceless(basis: LineBasis, context: TenantContext) -> str | None:
    """Why a bundle in the line has no source, in a sentence; None when each has one that counts here."""
    included = {item.service_id for item in basis.items if item.standing is CountStatus.INCLUDED}
    for share in basis.shares:
        source_id = share.mapping.rules.included_in if share.mapping.rules else None
        if source_id is None or share.is_override or share.mapping.vendor_id not in included:
            continue
        source = context.services.get(Ref(RefKind.VENDOR_SERVICE, share.service.integration_id, source_id))
        if (
            source is None
            or mapped_to(source) != share.product
            or (source.rules and source.rules.included_in)
        ):
            named = f"{share.mapping.vendor_id} is included in {source_id}"
            return (
                f"{named}, which is not mapped to this product: map it, or take the other out of the bundle"
            )
    return None


def _unread(counting: Sequence[VendorItem], sources: _Sources) -> str | None:
    """Why the sum rests on what was not read, in a sentence; None when all of it was."""
    if not sources.all_read:
        return "the vendor account was not completely read yet"
    if unread := [item for item in counting if item.missing is NoNumber.UNREAD]:
        return unread[0].detail
    if any(manifest.listing is ListingExtent.SHORT for manifest in sources.manifests):
        return "the marketplace listed fewer subscriptions than it counts"
    if common_span(sources.manifests, sources.item_ids).is_empty:
        if from_when := renewals_listed_from(sources.manifests, sources.item_ids):
            moment = f"{from_when:%Y-%m-%d %H:%M} UTC"
            why = "a subscription ended, and no list may show its renewal yet"
            return f"{why}: a sync after {moment} confirms it"
        return "it was read once, or changed while it was read: the next sync confirms it"
    return None
