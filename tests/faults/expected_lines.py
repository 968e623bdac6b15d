"""Computes what the usage lines must say: a pure fold of the topics with billing's own pure functions."""

# The fold reads the topics as a whole, in one pass and without any order between them, and calculates every
# account group with `billing.usage.calculate`.  Billing must end at the same lines, although it has consumed
# the same topics piece by piece, with repetitions and while it was killed.  So the fold checks billing's
# bookkeeping, not its arithmetic, which has tests of its own.
#
# An account group is a PSA account with everything that is mapped to it, or a vendor account that is mapped
# to none:  accounts a, b → company 7, account c unmapped  gives the groups {7: a, b} and {c}.

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TypeVar

from topics import TopicContents

from billing.observations.change_notice import is_read_back
from billing.observations.manifest_parts import ReceivedManifest, complete_manifests, part_document
from billing.usage.account_group import (
    AccountGroup,
    DisplayName,
    TenantContext,
    VendorAccount,
    unless_revoked,
)
from billing.usage.calculate import calculate
from billing.usage.calendar import TenantCalendar
from billing.usage.manifest import AppliedManifest, EffectiveThing
from billing.usage.manifest_reader import manifest_of
from billing.usage.ref import Ref, RefKind, mapped_from, mapped_to, subject_of
from billing.usage.usage_line import UsageLine
from shared.contracts import psa_sync, vendor_sync
from shared.contracts.auth import IntegrationChanged
from shared.contracts.base import Observation, key_of
from shared.contracts.manifest import AccountRead
from shared.contracts.matcher import MappingDecided, MappingDecision, MappingKind
from shared.contracts.psa_sync import AgreementLineObserved
from shared.contracts.vendor_sync import SubscriptionObserved

Seen = TypeVar("Seen", bound=Observation)


def expected_usage_lines(contents: TopicContents, tenant: TenantCalendar) -> dict[str, UsageLine]:
    """Return every present line by its id."""
    now = datetime.now(UTC)
    lines = (line for group in _groups(contents, tenant) for line in calculate(group, now))
    return {line.line_id: line for line in lines if line.present}


def _groups(contents: TopicContents, tenant: TenantCalendar) -> Iterable[AccountGroup]:
    """Every PSA account with what is mapped to it, and every vendor account that is mapped to none."""
    received = _newest(contents.of(vendor_sync.VendorAccountRead))
    received |= _newest(contents.of(psa_sync.PsaAccountRead))
    manifests = {ref: manifest_of(ref.encode(), one.header_fields) for ref, one in received.items()}
    subscriptions = _effective(tenant.id, received, manifests, contents.of(SubscriptionObserved))
    agreement_lines = _effective(tenant.id, received, manifests, contents.of(AgreementLineObserved))
    decided = [one for one in contents.newest(MappingDecided) if one.kind is MappingKind.ACCOUNT]
    mappings = {mapped_from(mapping): mapping for mapping in decided}
    context = _context(contents)
    members: defaultdict[Ref, list[VendorAccount]] = defaultdict(list)
    for ref in sorted(received.keys() | mappings.keys()):
        if ref.kind is RefKind.PSA_ACCOUNT:
            members.setdefault(ref, [])
        else:
            account = VendorAccount(ref, unless_revoked(mappings.get(ref)))
            members[_target_of(account.mapping) or ref].append(account)
    for ref, accounts in members.items():
        bought = [thing for account in accounts for thing in subscriptions.get(account.ref, ())]
        psa_account = ref if ref.kind is RefKind.PSA_ACCOUNT else None
        billed = agreement_lines.get(ref, ())
        yield AccountGroup(tenant, tuple(accounts), psa_account, manifests, bought, billed, context)


def _newest(parts: Iterable[AccountRead]) -> dict[Ref, ReceivedManifest]:
    """The newest manifest of each account of which all parts were published."""
    now = datetime.now(UTC)
    distinct = {(part.key, part.revision): part_document(part, now) for part in parts}
    # The oldest of each account comes first.
    return {manifest.account: manifest for manifest in complete_manifests(distinct.values())}


def _effective(
    tenant_id: str,
    received: Mapping[Ref, ReceivedManifest],
    manifests: Mapping[Ref, AppliedManifest],
    observations: Iterable[Seen],
) -> dict[Ref, list[EffectiveThing[Seen]]]:
    """What counts of these observations, by account: what a manifest names, or a later write read back."""
    versions = {(one.key, one.revision): one for one in observations}
    read_backs: dict[str, Seen] = {}
    for one in versions.values():
        if isinstance(one, AgreementLineObserved) and is_read_back(one):
            known = read_backs.get(one.key)
            read_backs[one.key] = one if known is None or known.revision < one.revision else known
    things: defaultdict[Ref, list[EffectiveThing[Seen]]] = defaultdict(list)
    for account, manifest in received.items():
        applied = manifests[account]
        for id_, revision, read_revision in _named(manifest):
            key = key_of(tenant_id, account.integration_id, id_)
            observed, back = versions.get((key, revision)), read_backs.get(key)
            if back and back.revision > read_revision:
                things[account].append(EffectiveThing(account, back, back.observed_at))
            elif observed:
                unreadable = applied.unreadable.get(id_, "")
                things[account].append(EffectiveThing(account, observed, applied.age_of(id_), unreadable))
    return things


def _named(manifest: ReceivedManifest) -> Iterator[tuple[str, int, int]]:
    for part in manifest.parts:
        for id_, revision, read_revision, _ in part["things"]:
            yield id_, revision, read_revision


def _target_of(mapping: MappingDecided | None) -> Ref | None:
    approved = mapping is not None and mapping.decision is MappingDecision.APPROVED
    return mapped_to(mapping) if mapping and approved else None


def _context(contents: TopicContents) -> TenantContext:
    return TenantContext.of(
        [mapping for mapping in contents.newest(MappingDecided) if mapping.kind is MappingKind.SERVICE],
        contents.newest(IntegrationChanged),
        _names(contents),
    )


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
