"""What a sync service sends when it asks for access."""

from pydantic import AwareDatetime, BaseModel, ConfigDict

from shared.web.requests import Id


class AccessRequest(BaseModel):
    """Asks for access to one integration."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tenant_id: Id
    integration_id: Id
    rejected_after: AwareDatetime | None = None
    """The `issued_at` of the access that the provider refused; only newer access is answered."""
