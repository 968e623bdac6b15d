"""Tenants, the people of each, and the tokens that people sign in for."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

from shared.contracts.base import opaque
from shared.limits.sign_in import CLAIM_CHARACTERS
from shared.plain_text import is_plain
from shared.web.person import Person, Role


def _claim(text: str) -> str:
    """Refuses a text with which every service would refuse the token that states it."""
    if not text:
        raise ValueError("tokens state it, so it is not empty")
    if not is_plain(text):
        raise ValueError("tokens state it, and take no control characters: leave them out")
    if len(text) > CLAIM_CHARACTERS.most:
        raise ValueError(f"tokens state it, and take {CLAIM_CHARACTERS}, not {len(text)}: shorten it")
    return text


Claim = Annotated[str, AfterValidator(_claim)]
"""A text that people's tokens state."""


class Tenant(BaseModel):
    """One MSP; its currency is an ISO 4217 code, its time zone an IANA name."""

    model_config = ConfigDict(frozen=True)

    id: Claim
    name: str
    currency: str = "USD"
    time_zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who may sign in to one tenant; identified there by an e-mail address in lower case."""

    tenant_id: str
    email: str
    name: str
    role: Role
    password_hash: str = field(repr=False)

    @property
    def person(self) -> Person:
        """The member as tokens name it: the id is opaque, so that tokens carry no address."""
        return Person(self.tenant_id, "per_" + opaque(self.tenant_id, self.email), self.name, self.role)


MOST_MEMBERS = 5
"""How many tenants one e-mail address may sign in to; their hashes share a salt, so that one checks all."""


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A signed token, whom it names, and when it expires."""

    token: str = field(repr=False)
    expires_at: datetime
    person: Person


@dataclass(frozen=True, slots=True)
class DeviceSession:
    """Who has signed in, and what their device shows at its next sign-in to be known."""

    issued: IssuedToken
    device_token: str = field(repr=False)
