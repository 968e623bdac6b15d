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
    """Makes hashes; each takes a core for a moment, and is made on another thread."""

    def hash(self, password: str, *, like: str | None = None) -> str:
        """Returns a hash of the password, with a salt of its own or with that of the hash `like`.

        The same password with the same salt gives the same hash.
        """
