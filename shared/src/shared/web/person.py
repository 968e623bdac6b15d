"""A person and their role, as a token names them."""

from dataclasses import dataclass
from enum import IntEnum


class Role(IntEnum):
    """What a person may do; each role includes those before it."""

    VIEWER = 1
    MAPPER = 2
    APPROVER = 3
    ADMIN = 4


@dataclass(frozen=True, slots=True)
class Person:
    """A member of a tenant, as their token names them."""

    tenant_id: str
    person_id: str
    name: str
    role: Role
