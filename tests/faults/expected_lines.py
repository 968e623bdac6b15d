"""Computes what the usage lines must say: a pure fold of the topics with billing's own pure functions."""

# The fold reads the topics as a whole, in one pass and without any order between them, and calculates every
# account group with `billing.usage.calculate`.  Billing must end at the same lines, although it has consumed
# the same topics piece by piece, with repetitions and while it was killed.  So the fold checks billing's
# bookkeeping, not its arithmetic, which has tests of its own.
#
# An account group is a PSA account with everything that is mapped to it, or a vendor account that is mapped
# to none:  accounts a, b → company 7, account c unmapped  gives the groups {7: a, b} and {c}.

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import chain
from typing import TypeVar

from topics import TopicContents

from billing.runs.models import FinishedRun
from billing.usage.account_group import (
    AccountGroup,
    DisplayName,
    TenantContext,
    VendorAccount,
    unless_revoked,
)
from billing.usage.calculate import calculate
from billing.usage.calendar import TenantCalendar
from billing.usage.coverage import Coverages, ObservedState, fold_versions
from billing.usage.ref import Ref, RefKind, mapped_from, mapped_to, subject_of
from billing.usage.usage_line import UsageLine
from shared.contracts import psa_sync, vendor_sync
from shared.contracts.auth import IntegrationChanged
from shared.contracts.base import Observation, Outcome, RunFinished
from shared.contracts.matcher import MappingDecided, MappingDecision, MappingKind

Seen = TypeVar("Seen", bound=Observation)


def expected_usage_lines(contents: TopicContents, tenant: TenantCalendar) -> dict[str, UsageLine]:
    """Return every present line by its id."""
    now = datetime.now(UTC)
    lines = (line for group in _groups(contents, tenant) for line in calculate(group, now))
    return {line.line_id: line for line in lines if line.present}


def _groups(contents: TopicContents, tenant: TenantCalendar) -> Iterable[AccountGroup]:
    """Every PSA account with what is mapped to it, and every vendor account that is mapped to none."""
    subscriptions = _by_account(contents.of(vendor_sync.SubscriptionObserved))
    agreement_lines = _by_account(contents.of(psa_sync.AgreementLineObserved))
    decided = [one for one in contents.newest(MappingDecided) if one.kind is MappingKind.ACCOUNT]
    mappings = {mapped_from(mapping): mapping for mapping in decided}
    context = _context(contents)
    members: defaultdict[Ref, list[VendorAccount]] = defaultdict(list)
    for ref in sorted(subscriptions.keys() | mappings.keys()):
        account = VendorAccount(ref, unless_revoked(mappings.get(ref)))
        members[_target_of(account.mapping) or ref].append(account)
    for ref, accounts in members.items():
        bought = [state for account in accounts for state in subscriptions.get(account.ref, ())]
        psa_account = ref if ref.kind is RefKind.PSA_ACCOUNT else None
        billed = agreement_lines.get(ref, ())
        yield AccountGroup(tenant, tuple(accounts), psa_account, bought, billed, context)


def _by_account(observations: Iterable[Seen]) -> dict[Ref, list[ObservedState[Seen]]]:
    versions: defaultdict[str, list[Seen]] = defaultdict(list)
    for observation in observations:
        versions[observation.key].append(observation)
    states: defaultdict[Ref, list[ObservedState[Seen]]] = defaultdict(list)
    for of_one in versions.values():
        state = fold_versions(of_one)
        states[subject_of(state.newest)].append(state)
    return states


def _target_of(mapping: MappingDecided | None) -> Ref | None:
    approved = mapping is not None and mapping.decision is MappingDecision.APPROVED
    return mapped_to(mapping) if mapping and approved else None


def _context(contents: TopicContents) -> TenantContext:
    return TenantContext.of(
        [mapping for mapping in contents.newest(MappingDecided) if mapping.kind is MappingKind.SERVICE],
        contents.newest(IntegrationChanged),
        _coverages(chain(contents.of(vendor_sync.VendorRunFinished), contents.of(psa_sync.PsaRunFinished))),
        _names(contents),
    )


def _coverages(ends: Iterable[RunFinished]) -> Coverages:
    """Return what the complete runs cover, in whatever order their ends were published."""
    found = Coverages()
    for end in ends:
        if end.outcome is Outcome.COMPLETE:
            before = found[end.integration_id]
            found[end.integration_id] = FinishedRun.of(end, end.finished_at).coverage_after(before)
    return found


def _names(contents: TopicContents) -> dict[Ref, DisplayName]:
    customers = contents.newest(vendor_sync.VendorAccountObserved)
    companies = contents.newest(psa_sync.PsaAccountObserved)
    services = contents.newest(vendor_sync.ServiceObserved)
    products = contents.newest(psa_sync.ProductObserved)
    return {
        **{subject_of(one): DisplayName(one.name) for one in customers},
        **{subject_of(one): DisplayName(one.name) for one in companies},
        **{subject_of(one): DisplayName(one.title or one.name) for one in services},
        **{subject_of(one): DisplayName(one.name, one.product_key) for one in products},
    }
