"""What people ask of mappings, and decide on them, checked."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from matcher.catalogue.requests import DEFAULT_LIMIT
from shared.contracts.matcher import MappingDecision, MappingKind
from shared.limits.people import REASON_CHARACTERS
from shared.plain_text import PlainText, counted
from shared.web.pagination import PageLimit, PageRequest
from shared.web.requests import Id

Reason = Annotated[
    PlainText,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=REASON_CHARACTERS.most),
    counted(REASON_CHARACTERS),
]


class MappingRequest(PageRequest):
    """Which mappings."""

    limit: PageLimit = Field(DEFAULT_LIMIT, description="How many at most.")
    kind: MappingKind | None = Field(None, description="Only mappings of accounts, or of services.")
    decision: MappingDecision | None = Field(None, description="Only mappings with this decision.")
    vendor_integration_id: Id | None = Field(None, description="Only mappings of this vendor's items.")


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
