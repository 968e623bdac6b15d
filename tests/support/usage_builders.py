"""Builds an account group around what a test names, and calculates its lines."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from manifest_builders import CO1, a_manifest, account_ref, thing_id_of
from observation_builders import NOW, PSA, TENANT, VENDOR, a_mapping, an_integration

from billing.usage.account_group import AccountGroup, TenantContext, VendorAccount
from billing.usage.calculate import calculate
from billing.usage.calendar import TenantCalendar
from billing.usage.manifest import AppliedManifest, EffectiveThing
from billing.usage.ref import Ref, RefKind
from billing.usage.usage_line import UsageLine
from shared.contracts.auth import IntegrationChanged
from shared.contracts.base import Observation
from shared.contracts.matcher import MappingDecided
from shared.contracts.psa_sync import AgreementLineObserved
from shared.contracts.vendor_sync import SubscriptionObserved

MAPPED = (a_mapping("service", "svc1", "prod1"),)


def the_lines(*observations: Observation, now: datetime = NOW, **more: Any) -> list[UsageLine]:
    """The lines of the group that `a_group` builds of these."""
    return calculate(a_group(*observations, **more), now)


def a_group(  # every part of a group may be what a test is about
    *observations: Observation,
    services: Sequence[MappingDecided] = MAPPED,
    accounts: Sequence[VendorAccount] | None = None,
    psa_account: Ref | None = CO1,
    integrations: Iterable[IntegrationChanged] = (an_integration(VENDOR), an_integration(PSA)),
    manifests: Mapping[Ref, AppliedManifest | None] | None = None,
    time_zone: str = "UTC",
) -> AccountGroup:
    """The group of the PSA account `co1`, to which the vendor account `acme` is mapped.

    Every account has a manifest that names all of its observations; one that is listed only is unreadable.
    `manifests` replaces them, None by none.
    """
    members = tuple(accounts) if accounts is not None else (an_account(),)
    if members and not any(account.mapping for account in members):
        psa_account = None
    refs = [*(account.ref for account in members), *([psa_account] if psa_account else [])]
    applied = {ref: a_manifest(ref, unreadable=_unread(observations, ref)) for ref in refs}
    for ref, manifest in (manifests or {}).items():
        if manifest is None:
            applied.pop(ref, None)
        else:
            applied[ref] = replace(manifest, unreadable={**manifest.unreadable, **_unread(observations, ref)})
    return AccountGroup(
        TenantCalendar(id=TENANT, currency="USD", time_zone=time_zone),
        members,
        psa_account,
        applied,
        _things(SubscriptionObserved, observations, applied),
        _things(AgreementLineObserved, observations, applied),
        TenantContext.of(services, integrations),
    )


def the_line(*observations: Observation, **more: Any) -> UsageLine:
    """The only line there is."""
    [line] = the_lines(*observations, **more)
    return line


def an_account(
    id_: str = "acme", mapping: MappingDecided | None = None, *, integration_id: str = VENDOR, **more: Any
) -> VendorAccount:
    """A vendor account that is mapped to `co1`, unless another mapping is given."""
    ref = Ref(RefKind.VENDOR_ACCOUNT, integration_id, id_)
    return VendorAccount(ref, mapping or a_mapping("account", id_, "co1", **more))


def _things(
    kind: type[Any], observations: Iterable[Observation], manifests: Mapping[Ref, AppliedManifest]
) -> list[EffectiveThing[Any]]:
    """The observations of a kind, as the manifests name them."""
    things = []
    for one in observations:
        if isinstance(one, kind) and _is_read(one):
            account = account_ref(one)
            if manifest := manifests.get(account):
                id_ = thing_id_of(one)
                things.append(
                    EffectiveThing(account, one, manifest.age_of(id_), manifest.unreadable.get(id_, ""))
                )
    return things


def _unread(observations: Iterable[Observation], account: Ref) -> dict[str, str]:
    return {
        one.subscription_id: "answered 403"
        for one in observations
        if isinstance(one, SubscriptionObserved) and not _is_read(one) and account_ref(one) == account
    }


def _is_read(one: Observation) -> bool:
    return not isinstance(one, SubscriptionObserved) or one.detailed
