"""The decision on one vendor item, as it is stored and published."""

from dataclasses import dataclass
from datetime import datetime

from matcher.catalogue.items import IntegrationInfo, Item
from shared.contracts.base import key_of, utc
from shared.contracts.matcher import MappingDecided, MappingDecision, MappingKind, MappingMethod

SYSTEM = "trueup"
"""Who decides when no person does."""


@dataclass(frozen=True, slots=True)
class PsaMatch:
    """A PSA item and the integration through which it is known."""

    integration: IntegrationInfo
    item: Item


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided, how, by whom and why."""

    decision: MappingDecision
    method: MappingMethod
    decided_by: str
    reason: str | None = None


def decided(
    vendor: IntegrationInfo,
    item: Item,
    ruling: Decision,
    *,
    target: PsaMatch | None = None,
    before: MappingDecided | None = None,
    at: datetime,
) -> MappingDecided:
    """The mapping after this ruling; its revision follows the one before."""
    return MappingDecided(
        tenant_id=item.tenant_id,
        revision=before.revision + 1 if before else 1,
        kind=item.shelf.kind,
        vendor_provider=vendor.provider,
        vendor_realm=vendor.realm,
        vendor_integration_id=vendor.integration_id,
        vendor_id=item.id,
        psa_provider=target.integration.provider if target else None,
        psa_realm=target.integration.realm if target else None,
        psa_integration_id=target.integration.integration_id if target else None,
        psa_id=target.item.id if target else None,
        decision=ruling.decision,
        method=ruling.method,
        decided_by=ruling.decided_by,
        reason=ruling.reason,
        decided_at=utc(at),  # as precise as the store keeps it, or a repeated answer would differ
    )


def same_decision(one: MappingDecided, other: MappingDecided) -> bool:
    """Whether both say the same of the same; a person who confirms what was mapped by itself says more."""
    return _substance(one) == _substance(other)


def mapping_key(vendor: IntegrationInfo, kind: MappingKind, vendor_id: str) -> str:
    """The key of the mapping: by provider and realm, so that it outlives the connection."""
    return key_of(vendor.tenant_id, vendor.provider, vendor.realm, kind, vendor_id)


def _substance(mapping: MappingDecided) -> tuple[object, ...]:
    return (
        mapping.decision,
        mapping.method,
        mapping.psa_integration_id,
        mapping.psa_id,
        mapping.reason,
    )
