"""Integrations as people see them."""

from pydantic import AwareDatetime, BaseModel, ConfigDict

from shared.contracts.auth import IntegrationSettings, IntegrationStatus
from shared.contracts.base import Side


class IntegrationResponse(BaseModel):
    """One connection to a provider: its status, and why it is so. Never a credential."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    integration_id: str
    side: Side
    provider: str
    realm: str
    """The marketplace or company at the provider."""
    name: str
    status: IntegrationStatus
    reason: str | None
    """The provider's own words, when it refused the credentials."""
    generation: int
    """Grows each time the integration is connected anew."""
    connected_at: AwareDatetime
    settings: IntegrationSettings


class IntegrationList(BaseModel):
    """All integrations of the tenant, by name."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    integrations: tuple[IntegrationResponse, ...]
