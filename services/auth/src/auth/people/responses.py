"""A session and the published keys, as HTTP answers them."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_serializer

from auth.people.models import DeviceSession
from shared.web.person import Role

RoleName = Annotated[str, Field(json_schema_extra={"enum": [role.name.lower() for role in Role]})]


class PersonResponse(BaseModel):
    """Who has signed in."""

    model_config = ConfigDict(frozen=True)

    person_id: str
    tenant_id: str
    name: str
    role: RoleName


class SessionResponse(BaseModel):
    """A token to send as `Authorization: Bearer` to every service, until it expires."""

    model_config = ConfigDict(frozen=True)

    token: str = Field(repr=False)
    expires_at: Annotated[AwareDatetime, Field(json_schema_extra={"format": "date-time"})]
    person: PersonResponse
    device_token: str = Field(repr=False)
    """To send with the next sign-in from this device, for 180 days; it is no proof of who signs in."""

    @classmethod
    def of(cls, session: DeviceSession) -> Self:
        issued, person = session.issued, session.issued.person
        return cls(
            token=issued.token,
            expires_at=issued.expires_at,
            person=PersonResponse(
                person_id=person.person_id,
                tenant_id=person.tenant_id,
                name=person.name,
                role=person.role.name.lower(),
            ),
            device_token=session.device_token,
        )

    @field_serializer("expires_at", when_used="json")
    def _iso(self, moment: datetime) -> str:
        return moment.isoformat()


class JsonWebKey(BaseModel):
    """The public part of an Ed25519 signing key (RFC 8037)."""

    model_config = ConfigDict(frozen=True)

    crv: str
    x: str
    kty: str
    kid: str


class JsonWebKeySet(BaseModel):
    """Every key that a valid token may be signed with (RFC 7517)."""

    model_config = ConfigDict(frozen=True)

    keys: tuple[JsonWebKey, ...]
