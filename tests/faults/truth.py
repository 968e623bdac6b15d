"""What the usage lines must say: a pure fold of the topics with billing's own pure functions."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import chain
from typing import TypeVar

from topics import Said

from billing.models import refs
from billing.models.coverage import NOTHING_READ, Coverage, Kept, folded
from billing.models.lines import reconcile
from billing.models.periods import Tenant
from billing.models.runs import Run
from billing.models.scope import Account, Knowledge, Name, PsaAccount, Scope, by_product
from billing.models.usage_line import UsageLine
from shared.contracts import psa_sync, vendor_sync
from shared.contracts.auth import IntegrationChanged
from shared.contracts.base import Observation, Outcome, RunFinished
from shared.contracts.matcher import Decision, MappingDecided, MappingKind

Seen = TypeVar("Seen", bound=Observation)


def usage_lines(said: Said, tenant: Tenant) -> dict[str, UsageLine]:
    """Every line that stands, by its id."""
    now = datetime.now(UTC)
    lines = (line for scope in _scopes(said, tenant) for line in reconcile(scope, now))
    return {line.line_id: line for line in lines if line.present}


def _scopes(said: Said, tenant: Tenant) -> Iterable[Scope]:
    """Every PSA account with what is mapped to it, and every vendor account that is mapped to none."""
    bought = _by_account(said.of(vendor_sync.SubscriptionObserved))
    billed = _by_account(said.of(psa_sync.AgreementLineObserved))
    mappings = {
        refs.mapped_from(one): one for one in said.newest(MappingDecided) if one.kind is MappingKind.ACCOUNT
    }
    knowledge = _knowledge(said)
    together: defaultdict[str, list[Account]] = defaultdict(list)
    for ref in sorted(bought.keys() | mappings.keys()):
        _, integration_id, account_id = refs.parsed(ref)
        account = Account(integration_id, account_id, mappings.get(ref))
        together[_leads_to(account.mapping) or ref].append(account)
    for ref, accounts in together.items():
        subscriptions = [kept for one in accounts for kept in bought.get(one.ref, ())]
        psa = PsaAccount(*refs.parsed(ref)[1:]) if ref.startswith("p:") else None
        yield Scope(tenant, tuple(accounts), psa, subscriptions, billed.get(ref, ()), knowledge)


def _by_account(seen: Iterable[Seen]) -> dict[str, list[Kept[Seen]]]:
    versions: defaultdict[str, list[Seen]] = defaultdict(list)
    for one in seen:
        versions[one.key].append(one)
    found: defaultdict[str, list[Kept[Seen]]] = defaultdict(list)
    for some in versions.values():
        kept = folded(some)
        found[refs.ref_of(kept.newest)].append(kept)
    return found


def _leads_to(mapping: MappingDecided | None) -> str | None:
    approved = mapping is not None and mapping.decision is Decision.APPROVED
    return refs.mapped_to(mapping) if mapping and approved else None


def _knowledge(said: Said) -> Knowledge:
    services = [one for one in said.newest(MappingDecided) if one.kind is MappingKind.SERVICE]
    return Knowledge(
        {refs.mapped_from(one): one for one in services},
        by_product(services),
        {one.integration_id: one for one in said.newest(IntegrationChanged)},
        _coverages(chain(said.of(vendor_sync.RunFinished), said.of(psa_sync.RunFinished))),
        _names(said),
    )


def _coverages(ends: Iterable[RunFinished]) -> Mapping[str, Coverage]:
    """What the complete runs vouch for, in whatever order they were heard of."""
    found: dict[str, Coverage] = {}
    for end in ends:
        if end.outcome is Outcome.COMPLETE:
            before = found.get(end.integration_id, NOTHING_READ)
            found[end.integration_id] = Run.of(end, end.finished_at).vouching(before)
    return found


def _names(said: Said) -> dict[str, Name]:
    customers = said.newest(vendor_sync.AccountObserved)
    companies = said.newest(psa_sync.AccountObserved)
    services = said.newest(vendor_sync.ServiceObserved)
    products = said.newest(psa_sync.ProductObserved)
    return {
        **{refs.ref_of(one): Name(one.name) for one in customers},
        **{refs.ref_of(one): Name(one.name) for one in companies},
        **{refs.ref_of(one): Name(one.title or one.name) for one in services},
        **{refs.ref_of(one): Name(one.name, one.product_key) for one in products},
    }
