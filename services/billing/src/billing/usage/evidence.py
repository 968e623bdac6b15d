"""What a line rests on: names, mappings, integrations, and what its counts were made of."""

# Evidence are the accounts and services of the items that count. Where nothing counts, the line is a claim
# about all that *could* have been bought, so all of it is evidence.
#
#   acme and beta mapped to co1, acme has 4 seats   → acme's mapping; mapping beta does not change the seal

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from billing.usage.account_group import TenantContext
from billing.usage.allocation import LineBasis
from billing.usage.psa_count import PsaCount
from billing.usage.ref import Ref
from billing.usage.usage_line import Evidence, LineNames, MappingUsed
from billing.usage.vendor_count import VendorCount


@dataclass(frozen=True, slots=True)
class Grounds:
    """What a line rests on; see `UsageLine` for each of these."""

    names: LineNames
    evidence: Evidence
    integration_ids: tuple[str, ...]


def grounds_of(basis: LineBasis, vendor: VendorCount, psa: PsaCount, context: TenantContext) -> Grounds:
    """The grounds of a line with these counts."""
    buying = {item.account for item in vendor.counting}
    bought = {(item.integration_id, item.service_id) for item in vendor.counting}
    accounts = [account for account in basis.accounts if account.ref in buying] or basis.accounts
    services = [ref for ref in basis.services if (ref.integration_id, ref.id) in bought] or [*basis.services]
    mappings = [account.mapping for account in accounts] + [basis.services[service] for service in services]
    revisions = {mapping.key: mapping.revision for mapping in mappings if mapping}
    integration_ids = {*vendor.sources, *(item.integration_id for item in vendor.items)}
    if not basis.place.no_target:
        integration_ids.add(basis.place.account.integration_id)
    return Grounds(
        _names(basis, [account.ref for account in accounts], services, context),
        Evidence(
            items=tuple(sorted(vendor.items, key=lambda item: (item.subscription_id, item.service_id or ""))),
            billed=tuple(psa.billed),
            mappings=tuple(MappingUsed(key=key, revision=revisions[key]) for key in sorted(revisions)),
        ),
        tuple(sorted(integration_ids)),
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
    """In the order of the refs, so that the same things are always named in the same order."""
    names = (context.names.get(ref) for ref in sorted(refs))
    return tuple(name.name for name in names if name)
