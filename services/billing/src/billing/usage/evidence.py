"""What a line hangs on: the names and mappings that led to it, and the integrations it rests on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from billing.usage import refs
from billing.usage.account_group import AccountGroup, PsaAccount, TenantContext, VendorAccount, standing
from billing.usage.allocation import Target, UnmappedGroup
from billing.usage.usage_line import CountStatus, LineNames, MappingUsed, VendorItem
from billing.usage.vendor_count import figures_of
from shared.contracts.matcher import MappingDecided


@dataclass(frozen=True, slots=True)
class LineLinks:
    """See `UsageLine` for each of these."""

    names: LineNames
    integration_ids: tuple[str, ...]
    vendor_sources: tuple[str, ...]
    mappings: tuple[MappingUsed, ...]


def links_of_target(target: Target, psa: PsaAccount, scope: AccountGroup) -> LineLinks:
    """Where nothing counts, all that *could* be bought is what the line rests on."""
    counting = [item for item in target.items if item.standing is CountStatus.COUNTING]
    accounts = _accounts(counting, scope.accounts) or list(scope.accounts)
    services = _services(counting, target.services) or list(target.services)
    places = (psa.ref, refs.product(psa.integration_id, target.product_id))
    vendor = {refs.mapped_from(service) for service in services} | {one.ref for one in accounts}
    rests_on = {name for name, _ in figures_of(target.items, target.sources, scope.knowledge)}
    return LineLinks(
        _names(vendor, scope.knowledge, places),
        tuple(sorted({psa.integration_id, *rests_on, *(item.integration_id for item in target.items)})),
        tuple(sorted(rests_on)),
        _used([*(account.mapping for account in accounts), *services]),
    )


def links_of_loose(loose: UnmappedGroup, scope: AccountGroup) -> LineLinks:
    integration_id = loose.account.integration_id
    service = scope.knowledge.service(integration_id, loose.service_id)
    vendor = {loose.account.ref, refs.service(integration_id, loose.service_id)}
    return LineLinks(
        _names(vendor, scope.knowledge, None),
        (integration_id,),
        (integration_id,),
        _used([standing(loose.account.mapping), service]),
    )


def _accounts(items: Iterable[VendorItem], accounts: Iterable[VendorAccount]) -> list[VendorAccount]:
    places = {(item.integration_id, item.account_id) for item in items}
    return [one for one in accounts if (one.integration_id, one.account_id) in places]


def _services(items: Iterable[VendorItem], services: Iterable[MappingDecided]) -> list[MappingDecided]:
    places = {(item.integration_id, item.service_id) for item in items}
    return [one for one in services if (one.vendor_integration_id, one.vendor_id) in places]


def _used(mappings: Sequence[MappingDecided | None]) -> tuple[MappingUsed, ...]:
    used = {mapping.key: mapping.revision for mapping in mappings if mapping}
    return tuple(MappingUsed(key=key, revision=revision) for key, revision in sorted(used.items()))


def _names(vendor: Iterable[str], knowledge: TenantContext, places: tuple[str, str] | None) -> LineNames:
    psa_account, product = (knowledge.name(ref) for ref in places) if places else (None, None)
    return LineNames(
        vendor_accounts=_called(vendor, "v:", knowledge),
        services=_called(vendor, "s:", knowledge),
        psa_account=psa_account.name if psa_account else None,
        product=product.name if product else None,
        product_key=product.key if product else None,
    )


def _called(names: Iterable[str], kind: str, knowledge: TenantContext) -> tuple[str, ...]:
    known = (knowledge.name(ref) for ref in sorted(names) if ref.startswith(kind))
    return tuple(one.name for one in known if one)
