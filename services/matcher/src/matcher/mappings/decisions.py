"""The decision on one vendor item, as it is stored and published."""

# Invariant: no revision of a mapping is given twice, not even by a database that was restored to an older
# state: readers keep the larger revision, and would pass over the later decision.
#
#   none stored, at 1,764,382,000,000,000 µs → 1,764,382,000,000,000     the same moment again → … 001
#
# Each decision tells what it replaced, so that it can be taken back. What a person decided is taken back to
# what stood before, with its own method; what the exact rule decided is taken back *by a person*, or the rule
# would decide the same again at once:
#
#   1 → 9 exact     ann maps 1 → 8, undone: 1 → 9 exact       undone once more: 1 → 8
#   1 → 9 exact     undone: revoked by ann, and barred        undone once more: 1 → 9 exact
#   1 → 8 by ann, the first decision, undone: revoked, and the exact rule is as free to map 1 as it was

from dataclasses import dataclass
from datetime import datetime

from matcher.catalogue.items import IntegrationInfo, Item
from shared.contracts.base import key_of, utc
from shared.contracts.mapping_rules import MappingRules
from shared.contracts.matcher import (
    DECIDED_BY_RULE,
    MappingDecided,
    MappingDecision,
    MappingKind,
    MappingMethod,
    ReplacedDecision,
)

SYSTEM = DECIDED_BY_RULE


@dataclass(frozen=True, slots=True)
class PsaMatch:
    """The PSA item to map to, and the integration that it belongs to."""

    integration: IntegrationInfo
    item: Item


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided, how, by whom and why."""

    outcome: MappingDecision
    method: MappingMethod
    decided_by: str
    reason: str | None = None
    rules: MappingRules | None = None
    """How a mapped service's quantity is made."""
    undoes: int | None = None
    """The revision of the decision that is taken back."""


NOTHING_DECIDED = ReplacedDecision(revision=0, decision=MappingDecision.REVOKED, method=MappingMethod.EXACT)
"""What the first decision on an item replaces."""


def apply_decision(
    vendor: IntegrationInfo,
    item: Item,
    decision: Decision,
    *,
    target: PsaMatch | None = None,
    existing: MappingDecided | None = None,
    at: datetime,
) -> MappingDecided:
    """Returns a vendor item's mapping after a decision; its revision follows that of the existing mapping."""
    return MappingDecided(
        tenant_id=item.tenant_id,
        revision=next_revision(existing, at),
        kind=item.kind.mapping_kind,
        vendor_provider=vendor.provider,
        vendor_realm=vendor.realm,
        vendor_integration_id=vendor.integration_id,
        vendor_id=item.id,
        psa_provider=target.integration.provider if target else None,
        psa_realm=target.integration.realm if target else None,
        psa_integration_id=target.integration.integration_id if target else None,
        psa_id=target.item.id if target else None,
        decision=decision.outcome,
        method=decision.method,
        decided_by=decision.decided_by,
        reason=decision.reason,
        rules=decision.rules,
        decided_at=utc(at),  # as precise as the store keeps it, or a repeated answer would differ
        replaced=replaced_by_next(existing),
        undoes=decision.undoes,
    )


def replaced_by_next(existing: MappingDecided | None) -> ReplacedDecision:
    """Returns what the next decision says that it replaced."""
    if existing is None:
        return NOTHING_DECIDED
    return ReplacedDecision.model_validate(existing.model_dump(include={*ReplacedDecision.model_fields}))


def undoing_decision(undone: MappingDecided, replaced: ReplacedDecision, by: str) -> Decision:
    """Returns the decision with which a person takes a decision back, to what it replaced."""
    by_rule = undone.method is MappingMethod.EXACT and undone.decided_by == SYSTEM
    method, reason = (MappingMethod.MANUAL, None) if by_rule else (replaced.method, replaced.reason)
    return Decision(replaced.decision, method, by, reason, rules=replaced.rules, undoes=undone.revision)


def next_revision(existing: MappingDecided | None, at: datetime) -> int:
    """Returns a revision that is larger than any before, and at least the microseconds since the epoch."""
    return max(existing.revision + 1 if existing else 1, int(at.timestamp() * 1_000_000))


def same_decision(first: MappingDecided, second: MappingDecided) -> bool:
    """Whether both decide the same in the same way.

    A person who confirms what the exact rule mapped decides anew: the method differs, and the mapping is
    theirs from then on.
    """
    return _substance(first) == _substance(second)


def is_included(mapping: MappingDecided, source: MappingDecided) -> bool:
    """Whether a mapped service is part of the bundle whose source is the other mapping's service."""
    return (
        mapping.decision is MappingDecision.APPROVED
        and mapping.rules is not None
        and mapping.rules.included_in == source.vendor_id
        and (mapping.vendor_provider, mapping.vendor_realm) == (source.vendor_provider, source.vendor_realm)
    )


def mapping_key(vendor: IntegrationInfo, kind: MappingKind, vendor_id: str) -> str:
    """Returns a mapping's key: by provider and realm, so that it outlives reconnecting (architecture §6)."""
    return key_of(vendor.tenant_id, vendor.provider, vendor.realm, kind, vendor_id)


def _substance(mapping: MappingDecided) -> tuple[object, ...]:
    return (
        mapping.decision,
        mapping.method,
        mapping.psa_integration_id,
        mapping.psa_id,
        mapping.reason,
        mapping.rules,
    )
