"""What people ask and send, checked."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from matcher.catalogue.search import MappingState, SortKey, sort_key_at
from shared.contracts.base import Side
from shared.contracts.matcher import MappingDecision, MappingKind


def _place(cursor: object) -> SortKey:
    try:
        return sort_key_at(str(cursor))
    except ValueError:
        raise ValueError("send `next` of the page before, as it was") from None


Cursor = Annotated[SortKey, BeforeValidator(_place, json_schema_input_type=str)]
Id = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class PageRequest(BaseModel):
    """What every list can be asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    after: Cursor | None = None
    limit: int = Field(default=50, ge=1, le=500)


class ItemRequest(PageRequest):
    """Which items; `search` is a part of the name or code in any case."""

    search: str = Field(default="", max_length=200, pattern=r"^[^\x00-\x1f]*$")
    state: MappingState | None = None
    integration_id: Id | None = None


class AccountRequest(ItemRequest):
    """Which accounts, of which side."""

    side: Side


class MappingRequest(PageRequest):
    """Which mappings."""

    kind: MappingKind | None = None
    decision: MappingDecision | None = None
    vendor_integration_id: Id | None = None


class MapRequest(BaseModel):
    """Map the vendor item to this PSA item."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    psa_integration_id: Id
    psa_id: Id


class ExcludeRequest(BaseModel):
    """Leave the vendor item out, and say why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    excluded: Literal[True]
    reason: Reason


class FinishBody(BaseModel):
    """Which vendor and PSA a person has finished mapping."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    vendor_integration_id: Id
    psa_integration_id: Id
