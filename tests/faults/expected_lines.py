"""Computes what the usage lines must say: a pure fold of the topics with billing's own pure functions."""

# The fold reads the topics as a whole, in one pass and without any order between them, and calculates every
# account group with `billing.usage.calculate`.  Billing must end at the same lines, although it has consumed
# the same topics piece by piece, with repetitions and while it was killed.  So the fold checks billing's
# bookkeeping, not its arithmetic, which has tests of its own.
#
# An account group is a PSA account with everything that is mapped to it, or a vendor account that is mapped
# to none:  accounts a, b → company 7, account c unmapped  gives the groups {7: a, b} and {c}.

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import chain
from typing import TypeVar

from topics import TopicContents

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

Observed = TypeVar("Observed", bound=Observation)


def expected_usage_lines(contents: TopicContents, tenant: TenantCalendar) -> dict[str, UsageLine]:
    """Return every line that is present, by its id."""
    now = datetime.now(UTC)
    lines = (line for group in _account_groups(contents, tenant) for line in calculate(group, now))
    return {line.line_id: line for line in lines if line.present}


def _account_groups(contents: TopicContents, tenant: TenantCalendar) -> Iterable[AccountGroup]:
    """Yield every PSA account with what is mapped to it, and every vendor account that is mapped to none."""
    bought = _by_account(contents.of(vendor_sync.SubscriptionObserved))
    billed = _by_account(contents.of(psa_sync.AgreementLineObserved))
    mappings = {
        refs.mapped_from(mapping): mapping
        for mapping in contents.newest(MappingDecided)
        if mapping.kind is MappingKind.ACCOUNT
    }
    context = _tenant_context(contents)
    grouped: defaultdict[str, list[VendorAccount]] = defaultdict(list)
    for ref in sorted(bought.keys() | mappings.keys()):
        _, integration_id, account_id = refs.parsed(ref)
        account = VendorAccount(integration_id, account_id, mappings.get(ref))
        grouped[_approved_target(account.mapping) or ref].append(account)
    for ref, accounts in grouped.items():
        subscriptions = [state for account in accounts for state in bought.get(account.ref, ())]
        psa = PsaAccount(*refs.parsed(ref)[1:]) if ref.startswith("p:") else None
        yield AccountGroup(tenant, tuple(accounts), psa, subscriptions, billed.get(ref, ()), context)


def _by_account(seen: Iterable[Observed]) -> dict[str, list[ObservedState[Observed]]]:
    versions: defaultdict[str, list[Observed]] = defaultdict(list)
    for observation in seen:
        versions[observation.key].append(observation)
    found: defaultdict[str, list[ObservedState[Observed]]] = defaultdict(list)
    for observations in versions.values():
        state = folded(observations)
        found[refs.ref_of(state.newest)].append(state)
    return found


def _approved_target(mapping: MappingDecided | None) -> str | None:
    if mapping is None or mapping.decision is not MappingDecision.APPROVED:
        return None
    return refs.mapped_to(mapping)


def _tenant_context(contents: TopicContents) -> TenantContext:
    services = [mapping for mapping in contents.newest(MappingDecided) if mapping.kind is MappingKind.SERVICE]
    return TenantContext(
        {refs.mapped_from(mapping): mapping for mapping in services},
        by_product(services),
        {integration.integration_id: integration for integration in contents.newest(IntegrationChanged)},
        _coverages(chain(contents.of(vendor_sync.VendorRunFinished), contents.of(psa_sync.PsaRunFinished))),
        _names(contents),
    )


def _coverages(ends: Iterable[RunFinished]) -> Mapping[str, Coverage]:
    """Return what the complete runs cover, in whatever order their ends are read."""
    found: dict[str, Coverage] = {}
    for end in ends:
        if end.outcome is Outcome.COMPLETE:
            before = found.get(end.integration_id, NOTHING_READ)
            found[end.integration_id] = FinishedRun.of(end, end.finished_at).vouching(before)
    return found


def _names(contents: TopicContents) -> dict[str, DisplayName]:
    customers = contents.newest(vendor_sync.VendorAccountObserved)
    companies = contents.newest(psa_sync.PsaAccountObserved)
    services = contents.newest(vendor_sync.ServiceObserved)
    products = contents.newest(psa_sync.ProductObserved)
    return {
        **{refs.ref_of(customer): DisplayName(customer.name) for customer in customers},
        **{refs.ref_of(company): DisplayName(company.name) for company in companies},
        **{refs.ref_of(service): DisplayName(service.title or service.name) for service in services},
        **{refs.ref_of(product): DisplayName(product.name, product.product_key) for product in products},
    }
