"""The access that auth grants to a sync service: written by auth, read by `shared.http_client.access`."""

from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_serializer

OTHER_GENERATION = "other-generation"
"""The `reason` of a 409: access was asked for a generation that the integration does not have now."""


class AccessGrant(BaseModel):
    """The answer of `POST /internal/access`: where to call the provider, and with which headers.

    Times are by auth's own clock; a service names the access that a provider refused by its `issued_at`.
    """

    model_config = ConfigDict(frozen=True)

    base_url: str
    headers: dict[str, str] = Field(repr=False)
    """They are secret: never logged, never stored outside auth."""
    issued_at: AwareDatetime
    expires_at: AwareDatetime
    generation: int
    """Of the integration: that which was asked for."""

    @field_serializer("issued_at", "expires_at", when_used="json")
    def _iso(self, moment: datetime) -> str:
        return moment.isoformat()
