"""Builds an account group around what a test names, and calculates its lines."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from observation_builders import NOW, PSA, TENANT, VENDOR, a_mapping, an_integration

from billing.usage.account_group import AccountGroup, TenantContext, VendorAccount
from billing.usage.calculate import calculate
from billing.usage.calendar import TenantCalendar
from billing.usage.coverage import CompletedRun, Coverage, Coverages, ObservedState, fold_versions
from billing.usage.ref import Ref, RefKind
from billing.usage.usage_line import UsageLine
from shared.contracts.auth import IntegrationChanged
from shared.contracts.base import Observation
from shared.contracts.matcher import MappingDecided
from shared.contracts.psa_sync import AgreementLineObserved
from shared.contracts.vendor_sync import SubscriptionObserved

READ = CompletedRun("run-1", 1, NOW - timedelta(hours=1))
"""A closed complete run that covers everything the builders make."""
MAPPED = (a_mapping("service", "svc1", "prod1"),)


def the_lines(  # every part of a group may be what a test is about
    *observations: Observation,
    services: Sequence[MappingDecided] = MAPPED,
    accounts: Sequence[VendorAccount] | None = None,
    integrations: Iterable[IntegrationChanged] = (an_integration(VENDOR), an_integration(PSA)),
    coverages: dict[str, Coverage] | None = None,
    now: datetime = NOW,
    time_zone: str = "UTC",
) -> list[UsageLine]:
    """The lines of the PSA account `co1`, to which the vendor account `acme` is mapped."""
    if coverages is None:
        coverages = {VENDOR: Coverage(READ, READ), PSA: Coverage(READ, READ)}
    members = tuple(accounts) if accounts is not None else (an_account(),)
    group = AccountGroup(
        TenantCalendar(id=TENANT, currency="USD", time_zone=time_zone),
        members,
        Ref(RefKind.PSA_ACCOUNT, PSA, "co1") if any(account.mapping for account in members) else None,
        states_of(SubscriptionObserved, observations),
        states_of(AgreementLineObserved, observations),
        TenantContext.of(services, integrations, Coverages(coverages)),
    )
    return calculate(group, now)


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


def states_of(kind: type[Any], observations: Iterable[Observation]) -> list[ObservedState[Any]]:
    """The states that the observations of a kind amount to."""
    versions: dict[str, list[Observation]] = {}
    for observation in observations:
        if isinstance(observation, kind):
            versions.setdefault(observation.key, []).append(observation)
    return [fold_versions(history) for history in versions.values()]
