"""What a sync service sends when it asks for access."""

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared.web.requests import Id


class AccessRequest(BaseModel):
    """Asks for access to one integration."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tenant_id: Id
    integration_id: Id
    generation: int = Field(ge=1, le=2**53)
    """The generation that the service works for; access for another one is refused."""
    rejected_after: AwareDatetime | None = None
    """The `issued_at` of the access that the provider refused; only newer access is answered."""
