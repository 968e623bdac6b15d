"""What a line hangs on: the names and mappings that led to it, and the integrations it rests on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from billing.models import refs
from billing.models.scope import Account, Knowledge, PsaAccount, Scope, standing
from billing.models.targets import Loose, Target
from billing.models.usage_line import Item, MappingUsed, Names, Standing
from billing.models.vendor_counts import figures_of
from shared.contracts.matcher import MappingDecided


@dataclass(frozen=True, slots=True)
class Links:
    """See `UsageLine` for each of these."""

    names: Names
    integration_ids: tuple[str, ...]
    mappings: tuple[MappingUsed, ...]


def links_of_target(target: Target, psa: PsaAccount, scope: Scope) -> Links:
    """Where nothing counts, all that *could* be bought is what the line rests on."""
    counting = [item for item in target.items if item.standing is Standing.COUNTING]
    accounts = _accounts(counting, scope.accounts) or list(scope.accounts)
    services = _services(counting, target.services) or list(target.services)
    places = (psa.ref, refs.product(psa.integration_id, target.product_id))
    vendor = {refs.mapped_from(service) for service in services} | {one.ref for one in accounts}
    rests_on = {name for name, _ in figures_of(target.items, target.sources, scope.knowledge)}
    return Links(
        _names(vendor, scope.knowledge, places),
        tuple(sorted({psa.integration_id, *rests_on, *(item.integration_id for item in target.items)})),
        _used([*(account.mapping for account in accounts), *services]),
    )


def links_of_loose(loose: Loose, scope: Scope) -> Links:
    integration_id = loose.account.integration_id
    service = scope.knowledge.service(integration_id, loose.service_id)
    vendor = {loose.account.ref, refs.service(integration_id, loose.service_id)}
    return Links(
        _names(vendor, scope.knowledge, None),
        (integration_id,),
        _used([standing(loose.account.mapping), service]),
    )


def _accounts(items: Iterable[Item], accounts: Iterable[Account]) -> list[Account]:
    places = {(item.integration_id, item.account_id) for item in items}
    return [one for one in accounts if (one.integration_id, one.account_id) in places]


def _services(items: Iterable[Item], services: Iterable[MappingDecided]) -> list[MappingDecided]:
    places = {(item.integration_id, item.service_id) for item in items}
    return [one for one in services if (one.vendor_integration_id, one.vendor_id) in places]


def _used(mappings: Sequence[MappingDecided | None]) -> tuple[MappingUsed, ...]:
    used = {mapping.key: mapping.revision for mapping in mappings if mapping}
    return tuple(MappingUsed(key=key, revision=revision) for key, revision in sorted(used.items()))


def _names(vendor: Iterable[str], knowledge: Knowledge, places: tuple[str, str] | None) -> Names:
    psa_account, product = (knowledge.name(ref) for ref in places) if places else (None, None)
    return Names(
        vendor_accounts=_called(vendor, "v:", knowledge),
        services=_called(vendor, "s:", knowledge),
        psa_account=psa_account.name if psa_account else None,
        product=product.name if product else None,
        product_key=product.key if product else None,
    )


def _called(names: Iterable[str], kind: str, knowledge: Knowledge) -> tuple[str, ...]:
    known = (knowledge.name(ref) for ref in sorted(names) if ref.startswith(kind))
    return tuple(one.name for one in known if one)
