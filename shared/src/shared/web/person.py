"""Who is calling, as a token says."""

from dataclasses import dataclass
from enum import IntEnum


class Role(IntEnum):
    """What a person may do; each includes those before it."""

    VIEWER = 1
    MAPPER = 2
    APPROVER = 3
    ADMIN = 4


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of a tenant, as their token says."""

    tenant_id: str
    person_id: str
    name: str
    role: Role
