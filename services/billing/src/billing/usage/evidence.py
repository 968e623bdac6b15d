"""What a line shows as its grounds: names, mappings, the integrations it names, and what its counts were made of."""

# Only what really led to the counts is evidence: the accounts and services of the items that count. Where nothing
# counts, the line is a claim about everything that *could* have been bought, so all of it is evidence.
#
#   acme and beta mapped to co1, 4 seats of acme   → acme's mapping; beta buying nothing does not change the seal
#   nothing counts, 5 billed                       → the mappings of acme and beta

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from billing.usage.account_group import TenantContext, VendorAccount
from billing.usage.allocation import LineBasis
from billing.usage.psa_count import PsaCount
from billing.usage.ref import Ref
from billing.usage.usage_line import Evidence, LineNames, MappingUsed, VendorItem
from billing.usage.vendor_count import VendorCount
from shared.contracts.matcher import MappingDecided


@dataclass(frozen=True, slots=True)
class Grounds:
    """What a line rests on; see `UsageLine` for each of these."""

    names: LineNames
    evidence: Evidence
    integration_ids: tuple[str, ...]


def grounds_of(basis: LineBasis, vendor: VendorCount, psa: PsaCount, context: TenantContext) -> Grounds:
    """The grounds of a line with these counts."""
    accounts = _accounts_of(vendor.counting, basis) or list(basis.accounts)
    services = _services_of(vendor.counting, basis) or list(basis.services)
    mappings = [account.mapping for account in accounts] + [basis.services[service] for service in services]
    integration_ids = {*vendor.sources, *(item.integration_id for item in vendor.items)}
    if not basis.place.no_target:
        integration_ids.add(basis.place.account.integration_id)
    return Grounds(
        _names(basis, [account.ref for account in accounts], services, context),
        Evidence(
            items=tuple(sorted(vendor.items, key=lambda item: (item.subscription_id, item.service_id or ""))),
            billed=tuple(psa.billed),
            mappings=_used(mappings),
        ),
        tuple(sorted(integration_ids)),
    )


def _accounts_of(counting: Iterable[VendorItem], basis: LineBasis) -> list[VendorAccount]:
    buying = {item.account for item in counting}
    return [account for account in basis.accounts if account.ref in buying]


def _services_of(counting: Iterable[VendorItem], basis: LineBasis) -> list[Ref]:
    bought = {(item.integration_id, item.service_id) for item in counting}
    return [service for service in basis.services if (service.integration_id, service.id) in bought]


def _used(mappings: Iterable[MappingDecided | None]) -> tuple[MappingUsed, ...]:
    revisions = {mapping.key: mapping.revision for mapping in mappings if mapping}
    return tuple(MappingUsed(key=key, revision=revision) for key, revision in sorted(revisions.items()))


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
    """In the order of the refs, so that the same things are always named in the same order."""
    names = (context.names.get(ref) for ref in sorted(refs))
    return tuple(name.name for name in names if name)
