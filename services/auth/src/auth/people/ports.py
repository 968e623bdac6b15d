"""What signing in needs: a store of tenants and people, and hashes of passwords."""

from collections.abc import Sequence
from typing import Protocol

from auth.people.models import Member, Tenant


class PeopleStore(Protocol):
    """The tenants, and the members of each."""

    async def save_tenants(self, tenants: Sequence[Tenant]) -> None: ...

    async def save(self, member: Member) -> None: ...

    async def find(self, email: str, tenant_id: str | None) -> Sequence[Member]:
        """Returns the members with this address, of one tenant or of all, by tenant; at most five."""


class PasswordHashes(Protocol):
    """Makes and checks hashes; both take a core for a moment, and are called on other threads."""

    def hash(self, password: str) -> str: ...

    def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether the password fits; without a hash never, but only after as long as for a wrong password."""
