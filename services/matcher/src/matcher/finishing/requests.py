"""What people send to finish mapping, checked."""

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared.contracts.matcher import MappingKind
from shared.web.requests import Id, SearchText


class FinishBody(BaseModel):
    """The vendor and the PSA between which a person has finished mapping."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    vendor_integration_id: Id
    psa_integration_id: Id


class FinishPreviewRequest(FinishBody):
    """The vendor and the PSA of which it is asked whether their mapping can be finished."""


class CountsRequest(BaseModel):
    """Of which vendor items it is asked how far their mapping has come."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: MappingKind = Field(description="Accounts, or services.")
    vendor_integration_id: Id | None = Field(None, description="Only this vendor's items.")
    psa_integration_id: Id | None = Field(
        None, description="The PSA that is mapped to: what is mapped elsewhere is counted in `to_other_psa`."
    )
    search: SearchText = Field("", description="Only items that have these words, as in the lists.")
    since: AwareDatetime | None = Field(
        None, description="From when on an item is new.", examples=["2026-11-23T09:00:00Z"]
    )
