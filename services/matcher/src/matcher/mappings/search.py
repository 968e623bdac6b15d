"""What people search the mappings for."""

from dataclasses import dataclass

from shared.contracts.matcher import MappingDecision, MappingKind


@dataclass(frozen=True, slots=True)
class MappingQuery:
    """Which mappings are wanted; None stands for any."""

    tenant_id: str
    kind: MappingKind | None = None
    decision: MappingDecision | None = None
    vendor_integration_id: str | None = None
