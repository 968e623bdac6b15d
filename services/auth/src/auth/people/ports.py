"""What signing in needs: a store of tenants and people."""

from collections.abc import Sequence
from typing import Protocol

from auth.people.models import Member, Tenant


class PeopleStore(Protocol):
    """The tenants, and the members of each."""

    async def save_tenants(self, tenants: Sequence[Tenant]) -> None: ...

    async def save(self, member: Member) -> None: ...

    async def find(self, email: str, tenant_id: str | None) -> Sequence[Member]:
        """Returns the members with this address, of one tenant or of all, by tenant; at most five."""
