"""Tenants, the people of each, and their passwords."""

from dataclasses import dataclass, field
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from pydantic import BaseModel, ConfigDict

from shared.contracts.base import opaque
from shared.web.person import Person, Role


class Tenant(BaseModel):
    """One MSP; its currency is ISO 4217, its time zone an IANA name."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    currency: str = "USD"
    time_zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who may sign in to one tenant; known by an e-mail address in lower case."""

    tenant_id: str
    email: str
    name: str
    role: Role
    password_hash: str = field(repr=False)

    @property
    def person(self) -> Person:
        return Person(self.tenant_id, "per_" + opaque(self.tenant_id, self.email), self.name, self.role)


class PasswordHashes:
    """Argon2id; an unknown person costs as much time as a wrong password."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()

    @cached_property
    def _nobody(self) -> str:
        return self.hashed("nobody's password")

    def hashed(self, password: str) -> str:
        return self._hasher.hash(password)

    def match(self, password_hash: str | None, password: str) -> bool:
        against = self._nobody if password_hash is None else password_hash
        try:
            return self._hasher.verify(against, password) and password_hash is not None
        except (VerificationError, InvalidHashError):
            return False
