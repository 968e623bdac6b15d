"""How versions, and what differs between two moments, are shown to people."""

from pydantic import AwareDatetime, BaseModel, ConfigDict

from matcher.mapping_plans.end_names import EndNames, ItemRef
from matcher.mapping_plans.responses import ShownDecision, psa_ref
from matcher.mapping_plans.version_models import MappingVersion, VersionDifference, VersionOrigin
from shared.contracts.base import Side
from shared.contracts.matcher import MappingKind


def difference_refs(difference: VersionDifference) -> list[ItemRef]:
    """Returns every item whose name the answer about a difference shows."""
    now = difference.mapping
    ends = [psa_ref(one, now.kind) for one in (difference.then, difference.later) if one]
    return [ItemRef(now.kind, Side.VENDOR, now.vendor_integration_id, now.vendor_id), *ends]


class VersionResponse(BaseModel):
    """A moment of all mappings."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "ver_00064b1e8c9a2f7d31c5aa",
                    "name": "before the move to HaloPSA",
                    "origin": "named",
                    "at": "2026-11-30T08:15:30Z",
                    "by": "per_maria",
                    "plan_id": None,
                }
            ]
        }
    )

    id: str
    name: str
    origin: VersionOrigin
    at: AwareDatetime
    by: str
    plan_id: str | None
    """Of the plan before or after which it was kept."""

    @classmethod
    def of(cls, version: MappingVersion) -> "VersionResponse":
        return cls(**{name: getattr(version, name) for name in cls.model_fields})


class VersionsPage(BaseModel):
    """A page of versions, the newest first; `next` is the `after` of the following page."""

    versions: tuple[VersionResponse, ...]
    next: str | None


class DifferenceResponse(BaseModel):
    """One vendor item on which two moments differ."""

    kind: MappingKind
    vendor_integration_id: str
    vendor_id: str
    vendor_name: str | None
    then: ShownDecision | None
    """At the version; none where that was not kept. Before the first decision it is `revoked` by `exact`."""
    later: ShownDecision | None
    """At the version to compare with, or now."""
    decided_by: str
    """Who made the decision that stands now, and when."""
    decided_at: AwareDatetime

    @classmethod
    def of(cls, difference: VersionDifference, names: EndNames) -> "DifferenceResponse":
        now, then, later = difference.mapping, difference.then, difference.later
        return cls(
            kind=now.kind,
            vendor_integration_id=now.vendor_integration_id,
            vendor_id=now.vendor_id,
            vendor_name=names.of(ItemRef(now.kind, Side.VENDOR, now.vendor_integration_id, now.vendor_id)),
            then=ShownDecision.of(then, now.kind, names) if then else None,
            later=ShownDecision.of(later, now.kind, names) if later else None,
            decided_by=now.decided_by,
            decided_at=now.decided_at,
        )


class DifferencesPage(BaseModel):
    """A page of differences, by the mappings' keys; `next` is the `after` of the following page."""

    differences: tuple[DifferenceResponse, ...]
    next: str | None
