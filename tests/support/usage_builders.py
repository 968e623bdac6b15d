"""Builds a scope around what a test names, and reconciles it."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from observation_builders import NOW, PSA, TENANT, VENDOR, a_mapping, an_integration

from billing.usage import refs
from billing.usage.account_group import AccountGroup, PsaAccount, TenantContext, VendorAccount, by_product
from billing.usage.calculate import calculate
from billing.usage.calendar import TenantCalendar
from billing.usage.coverage import CompletedRun, Coverage, ObservedState, folded
from billing.usage.usage_line import UsageLine
from shared.contracts.auth import IntegrationChanged
from shared.contracts.base import Observation
from shared.contracts.matcher import MappingDecided
from shared.contracts.psa_sync import AgreementLineObserved
from shared.contracts.vendor_sync import SubscriptionObserved

READ = CompletedRun("run-1", 1, NOW - timedelta(hours=1))
"""A closed complete run that covers everything the builders make."""
MAPPED = (a_mapping("service", "svc1", "prod1"),)


def the_lines(  # every part of a scope may be what a test is about
    *seen: Observation,
    services: Sequence[MappingDecided] = MAPPED,
    accounts: Sequence[VendorAccount] | None = None,
    integrations: Iterable[IntegrationChanged] = (an_integration(VENDOR), an_integration(PSA)),
    coverages: dict[str, Coverage] | None = None,
    now: datetime = NOW,
    time_zone: str = "UTC",
) -> list[UsageLine]:
    """The lines of the PSA account `co1`, to which the vendor account `acme` is mapped."""
    of = coverages if coverages is not None else {VENDOR: Coverage(READ, READ), PSA: Coverage(READ, READ)}
    mapped = tuple(accounts) if accounts is not None else (an_account(),)
    scope = AccountGroup(
        TenantCalendar(id=TENANT, currency="USD", time_zone=time_zone),
        mapped,
        PsaAccount(PSA, "co1") if any(account.mapping for account in mapped) else None,
        kept(seen, SubscriptionObserved),
        kept(seen, AgreementLineObserved),
        TenantContext(
            {refs.mapped_from(mapping): mapping for mapping in services},
            by_product(services),
            {one.integration_id: one for one in integrations},
            of,
        ),
    )
    return calculate(scope, now)


def the_line(*seen: Observation, **more: Any) -> UsageLine:
    """The only line there is."""
    [line] = the_lines(*seen, **more)
    return line


def an_account(id_: str = "acme", mapping: MappingDecided | None = None, **more: Any) -> VendorAccount:
    return VendorAccount(VENDOR, id_, mapping or a_mapping("account", id_, "co1", **more))


def kept(seen: Iterable[Observation], kind: type[Any]) -> list[ObservedState[Any]]:
    """The state that the observations of a kind amount to."""
    versions: dict[str, list[Observation]] = {}
    for one in seen:
        if isinstance(one, kind):
            versions.setdefault(one.key, []).append(one)
    return [folded(some) for some in versions.values()]
