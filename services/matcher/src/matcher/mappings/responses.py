"""How mappings, their history, and what came of decisions are shown to people."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from matcher.catalogue.responses import MappingResponse
from matcher.catalogue.search import NamedMapping
from matcher.mappings.models import (
    DecisionOutcome,
    DecisionRefusal,
    ItemDecision,
    MapTo,
    MatchingSettings,
    OutcomeStatus,
)
from shared.contracts.matcher import NameEquality, ReplacedDecision
from shared.web.openapi import ProblemDocument


class MappingsPage(BaseModel):
    """A page of mappings, by key; `next` is the `after` of the following page."""

    mappings: tuple[MappingResponse, ...]
    next: str | None


MAPPING_EXAMPLE: dict[str, Any] = {
    "kind": "account",
    "vendor_integration_id": "int_1190feebee4bd1d7",
    "vendor_id": "1000027",
    "vendor_name": "Contoso",
    "psa_integration_id": "int_c8f8e50eee5be8dd",
    "psa_id": "19297",
    "psa_name": "Contoso Ltd",
    "decision": "approved",
    "method": "manual",
    "decided_by": "per_maria",
    "reason": None,
    "rules": None,
    "decided_at": "2026-11-30T08:15:30Z",
    "revision": 1796026530000000,
    "replaced": {
        "revision": 0,
        "decision": "revoked",
        "method": "exact",
        "psa_integration_id": None,
        "psa_id": None,
        "reason": None,
        "rules": None,
    },
    "undoes": None,
}
"""A decision as it is answered, for the description of the API."""


class MappingVersionResponse(MappingResponse):
    """A decision on a vendor item, with what it replaced."""

    model_config = ConfigDict(json_schema_extra={"examples": [MAPPING_EXAMPLE]})

    replaced: ReplacedDecision | None
    """None for a decision from before this was kept; of revision 0 where nothing was decided before."""
    undoes: int | None
    """The revision of the decision that was taken back with this one."""


class HistoryPage(BaseModel):
    """A page of the decisions on one vendor item, newest first; `next` is the `after` of the following."""

    decisions: tuple[MappingVersionResponse, ...]
    next: str | None


class DecisionConflict(ProblemDocument):
    """Why a decision was not made, and the mapping as it is."""

    refusal: DecisionRefusal | None = None
    """None where the idempotency key belongs to another request."""
    mapping: MappingVersionResponse | None = None
    """None when nothing is decided."""


class MatchingSettingsResponse(BaseModel):
    """How a tenant has items mapped by themselves."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name_equality": "normalised",
                    "revision": 1796026530000000,
                    "changed_by": "per_maria",
                    "changed_at": "2026-11-30T08:15:30Z",
                }
            ]
        }
    )

    name_equality: NameEquality
    revision: int
    """0 until they are changed once."""
    changed_by: str | None
    changed_at: AwareDatetime | None

    @classmethod
    def of(cls, settings: MatchingSettings) -> "MatchingSettingsResponse":
        return cls(**asdict(settings))


class SettingsConflict(ProblemDocument):
    """Why settings were not changed, and what they are."""

    settings: MatchingSettingsResponse


class OutcomeResponse(BaseModel):
    """What became of one decision of many, and the mapping as it is."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"status": "done", "refusal": None, "reason": None, "mapping": MAPPING_EXAMPLE}]
        }
    )

    status: OutcomeStatus
    refusal: DecisionRefusal | None
    reason: str | None
    """A sentence for people, of one that was not made."""
    mapping: MappingVersionResponse | None
    """None when nothing is decided on the item, or there is no such item."""

    @classmethod
    def of(cls, outcome: DecisionOutcome, named: NamedMapping | None) -> "OutcomeResponse":
        return cls(
            status=outcome.status,
            refusal=outcome.refusal,
            reason=outcome.sentence,
            mapping=MappingVersionResponse.of(named) if named else None,
        )


class OutcomesResponse(BaseModel):
    """What became of each decision, in the order of the request, and how many there were of each status."""

    outcomes: tuple[OutcomeResponse, ...]
    counts: dict[OutcomeStatus, int]


class AcceptedResponse(OutcomeResponse):
    """What became of one accepted proposal."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "status": "done",
                    "refusal": None,
                    "reason": None,
                    "mapping": MAPPING_EXAMPLE | {"method": "proposal"},
                    "vendor_integration_id": "int_1190feebee4bd1d7",
                    "vendor_id": "1000027",
                    "psa_integration_id": "int_c8f8e50eee5be8dd",
                    "psa_id": "19297",
                }
            ]
        }
    )

    vendor_integration_id: str
    vendor_id: str
    psa_integration_id: str
    psa_id: str


class AcceptancesResponse(BaseModel):
    """What became of each accepted proposal, and how many there were of each status."""

    outcomes: tuple[AcceptedResponse, ...]
    counts: dict[OutcomeStatus, int] = Field(examples=[{"done": 212, "conflict": 2}])

    @classmethod
    def of(cls, decisions: Sequence[ItemDecision], outcomes: Sequence[OutcomeResponse]) -> Self:
        """Takes the outcomes of these decisions, in their order."""
        named = [
            AcceptedResponse(
                **dict(outcome),
                vendor_integration_id=one.item.vendor_integration_id,
                vendor_id=one.item.vendor_id,
                psa_integration_id=one.choice.target.integration_id,
                psa_id=one.choice.target.id,
            )
            for one, outcome in zip(decisions, outcomes, strict=True)
            if isinstance(one.choice, MapTo)
        ]
        return cls(outcomes=tuple(named), counts=Counter(one.status for one in named))


class AcceptPreviewResponse(BaseModel):
    """How many proposals would be accepted now."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"count": 214, "shared": 3, "most": 5_000}]})

    count: int = Field(description="The `expected_count` to send.", examples=[214])
    shared: int = Field(
        description="Left out, because customers share their best company: decide on them one by one.",
        examples=[3],
    )
    most: int = Field(description="More are not accepted at once: narrow the filter.", examples=[5_000])


class CountConflict(ProblemDocument):
    """How many proposals there are instead of those that were expected."""

    expected_count: int | None = None
    """None where the idempotency key belongs to another request."""
    found_count: int | None = None
