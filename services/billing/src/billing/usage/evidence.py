"""What a line rests on: names, mappings, integrations, and what its counts were made of."""

# Evidence are the accounts and services of the items that count. Where nothing counts, the line is a claim
# about all that *could* have been bought, so all of it is evidence.
#
# A line shows `SHOWN_ITEMS` items at most; counts and seal are of all of them.
#
#   acme and beta are mapped to co1, only acme has seats   → acme's mapping is evidence; beta's is not, so
#   mapping beta leaves the seal as it is

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from billing.usage.account_group import TenantContext
from billing.usage.allocation import LineBasis
from billing.usage.psa_count import PsaCount
from billing.usage.ref import Ref
from billing.usage.seal import seal_of_items
from billing.usage.usage_line import (
    SHOWN_ITEMS,
    Evidence,
    LineNames,
    MappingUsed,
    UnshownAccount,
    UnshownItems,
    VendorItem,
)
from billing.usage.vendor_count import VendorCount


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a line comes from; the fields are those of `UsageLine`."""

    names: LineNames
    evidence: Evidence
    integration_ids: tuple[str, ...]


def provenance_of(basis: LineBasis, vendor: VendorCount, psa: PsaCount, context: TenantContext) -> Provenance:
    """The provenance of a line with these counts."""
    buying = {item.account for item in vendor.counting}
    bought = {(item.integration_id, item.service_id) for item in vendor.counting}
    accounts = [account for account in basis.accounts if account.ref in buying] or basis.accounts
    services = [ref for ref in basis.services if (ref.integration_id, ref.id) in bought] or [*basis.services]
    mappings = [account.mapping for account in accounts] + [basis.services[service] for service in services]
    revisions = {mapping.key: mapping.revision for mapping in mappings if mapping}
    integration_ids = {account.integration_id for account in vendor.accounts}
    integration_ids |= {item.integration_id for item in vendor.items}
    if not basis.place.no_target:
        integration_ids.add(basis.place.account.integration_id)
    shown, more = _shown_items(vendor.items)
    return Provenance(
        _names(basis, [account.ref for account in accounts], services, context),
        Evidence(
            items=shown,
            more=more,
            ended=vendor.ended,
            billed=tuple(psa.billed),
            mappings=tuple(MappingUsed(key=key, revision=revisions[key]) for key in sorted(revisions)),
        ),
        tuple(sorted(integration_ids)),
    )


def _shown_items(items: Sequence[VendorItem]) -> tuple[tuple[VendorItem, ...], UnshownItems | None]:
    """The items to show, in the order of their ids, and the sum of the others."""
    more = None
    if len(items) > SHOWN_ITEMS:
        by_weight = sorted(items, key=_weight)
        items, more = by_weight[:SHOWN_ITEMS], _summed_up(by_weight[SHOWN_ITEMS:])
    return tuple(sorted(items, key=lambda item: (item.subscription_id, item.service_id or ""))), more


def _weight(item: VendorItem) -> tuple[bool, bool, Decimal, tuple[str, ...]]:
    """Sorts first what counts, then what has no number, then the largest; ids make it the same every time."""
    ids = item.integration_id, item.account_id, item.subscription_id, item.service_id or ""
    return not item.counts, item.quantity is not None, -(item.quantity or Decimal(0)), ids


def _summed_up(items: Sequence[VendorItem]) -> UnshownItems:
    counting = [item for item in items if item.counts]
    oldest: dict[Ref, datetime] = {}
    for item in counting:
        account = item.account
        oldest[account] = min(oldest.get(account, item.as_of), item.as_of)
    return UnshownItems(
        count=len(items),
        quantity=sum((item.quantity for item in counting if item.quantity is not None), Decimal(0)),
        seal=seal_of_items(counting),
        accounts=tuple(
            UnshownAccount(
                integration_id=account.integration_id, account_id=account.id, as_of=oldest[account]
            )
            for account in sorted(oldest)
        ),
    )


def _names(
    basis: LineBasis, accounts: Sequence[Ref], services: Sequence[Ref], context: TenantContext
) -> LineNames:
    in_psa = basis.place.no_target is None
    psa_account = context.names.get(basis.place.account) if in_psa else None
    product = context.names.get(basis.place.catalogue_item) if in_psa else None
    return LineNames(
        vendor_accounts=_known_names(accounts, context),
        services=_known_names(services, context),
        psa_account=psa_account.name if psa_account else None,
        product=product.name if product else None,
        product_key=product.key if product else None,
    )


def _known_names(refs: Iterable[Ref], context: TenantContext) -> tuple[str, ...]:
    """Names in the order of their refs, so that the same things are always listed alike."""
    names = (context.names.get(ref) for ref in sorted(refs))
    return tuple(name.name for name in names if name)


def calculation_of(vendor: VendorCount, context: TenantContext) -> tuple[str, ...]:
    """For each service of the line that has rules, how its items become what is billed, in a sentence."""
    so_far = "" if vendor.count.number is not None else "so far "
    sentences = []
    for share in vendor.shares:
        if share.is_plain and not share.is_override:
            continue
        if items := [item for item in vendor.items if share.holds(item)]:
            name = context.names.get(share.service)
            counting = [item for item in items if item.counts]
            sentences.append(f"{name.name if name else share.service.id}: {so_far}{share.words(counting)}")
    return tuple(sentences)
