"""What people send to finish mapping, checked."""

from pydantic import BaseModel, ConfigDict

from shared.web.requests import Id


class FinishBody(BaseModel):
    """The vendor and the PSA between which a person has finished mapping."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    vendor_integration_id: Id
    psa_integration_id: Id
