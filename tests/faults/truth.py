"""What the usage lines must say: a pure fold of the topics with billing's own pure functions."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import chain
from typing import TypeVar

from topics import Said

from billing.runs.models import FinishedRun
from billing.usage import refs
from billing.usage.account_group import (
    AccountGroup,
    DisplayName,
    PsaAccount,
    TenantContext,
    VendorAccount,
    by_product,
)
from billing.usage.calculate import calculate
from billing.usage.calendar import TenantCalendar
from billing.usage.coverage import NOTHING_READ, Coverage, ObservedState, folded
from billing.usage.usage_line import UsageLine
from shared.contracts import psa_sync, vendor_sync
from shared.contracts.auth import IntegrationChanged
from shared.contracts.base import Observation, Outcome, RunFinished
from shared.contracts.matcher import MappingDecided, MappingDecision, MappingKind

Seen = TypeVar("Seen", bound=Observation)


def usage_lines(said: Said, tenant: TenantCalendar) -> dict[str, UsageLine]:
    """Every line that stands, by its id."""
    now = datetime.now(UTC)
    lines = (line for scope in _scopes(said, tenant) for line in calculate(scope, now))
    return {line.line_id: line for line in lines if line.present}


def _scopes(said: Said, tenant: TenantCalendar) -> Iterable[AccountGroup]:
    """Every PSA account with what is mapped to it, and every vendor account that is mapped to none."""
    bought = _by_account(said.of(vendor_sync.SubscriptionObserved))
    billed = _by_account(said.of(psa_sync.AgreementLineObserved))
    mappings = {
        refs.mapped_from(one): one for one in said.newest(MappingDecided) if one.kind is MappingKind.ACCOUNT
    }
    knowledge = _knowledge(said)
    together: defaultdict[str, list[VendorAccount]] = defaultdict(list)
    for ref in sorted(bought.keys() | mappings.keys()):
        _, integration_id, account_id = refs.parsed(ref)
        account = VendorAccount(integration_id, account_id, mappings.get(ref))
        together[_leads_to(account.mapping) or ref].append(account)
    for ref, accounts in together.items():
        subscriptions = [kept for one in accounts for kept in bought.get(one.ref, ())]
        psa = PsaAccount(*refs.parsed(ref)[1:]) if ref.startswith("p:") else None
        yield AccountGroup(tenant, tuple(accounts), psa, subscriptions, billed.get(ref, ()), knowledge)


def _by_account(seen: Iterable[Seen]) -> dict[str, list[ObservedState[Seen]]]:
    versions: defaultdict[str, list[Seen]] = defaultdict(list)
    for one in seen:
        versions[one.key].append(one)
    found: defaultdict[str, list[ObservedState[Seen]]] = defaultdict(list)
    for some in versions.values():
        kept = folded(some)
        found[refs.ref_of(kept.newest)].append(kept)
    return found


def _leads_to(mapping: MappingDecided | None) -> str | None:
    approved = mapping is not None and mapping.decision is MappingDecision.APPROVED
    return refs.mapped_to(mapping) if mapping and approved else None


def _knowledge(said: Said) -> TenantContext:
    services = [one for one in said.newest(MappingDecided) if one.kind is MappingKind.SERVICE]
    return TenantContext(
        {refs.mapped_from(one): one for one in services},
        by_product(services),
        {one.integration_id: one for one in said.newest(IntegrationChanged)},
        _coverages(chain(said.of(vendor_sync.VendorRunFinished), said.of(psa_sync.PsaRunFinished))),
        _names(said),
    )


def _coverages(ends: Iterable[RunFinished]) -> Mapping[str, Coverage]:
    """What the complete runs vouch for, in whatever order they were heard of."""
    found: dict[str, Coverage] = {}
    for end in ends:
        if end.outcome is Outcome.COMPLETE:
            before = found.get(end.integration_id, NOTHING_READ)
            found[end.integration_id] = FinishedRun.of(end, end.finished_at).coverage_after(before)
    return found


def _names(said: Said) -> dict[str, DisplayName]:
    customers = said.newest(vendor_sync.VendorAccountObserved)
    companies = said.newest(psa_sync.PsaAccountObserved)
    services = said.newest(vendor_sync.ServiceObserved)
    products = said.newest(psa_sync.ProductObserved)
    return {
        **{refs.ref_of(one): DisplayName(one.name) for one in customers},
        **{refs.ref_of(one): DisplayName(one.name) for one in companies},
        **{refs.ref_of(one): DisplayName(one.title or one.name) for one in services},
        **{refs.ref_of(one): DisplayName(one.name, one.product_key) for one in products},
    }
