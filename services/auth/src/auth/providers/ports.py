"""What the use cases need of the world."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Protocol

from auth.access.models import ProviderSession
from auth.credentials.connections import Connection
from auth.integrations.models import Integration
from auth.people.models import Member, Tenant

Clock = Callable[[], datetime]


class IntegrationStore(Protocol):
    """The store of integrations; each change is saved with its event."""

    async def connect(self, tenant_id: str, connection: Connection, now: datetime) -> Integration: ...

    async def move(
        self, tenant_id: str, integration_id: str, transition: Callable[[Integration], Integration]
    ) -> Integration: ...

    async def get(self, tenant_id: str, integration_id: str) -> Integration: ...

    async def every(self, tenant_id: str) -> list[Integration]: ...

    async def credentials(self, integration: Integration) -> Connection: ...


class Provider(Protocol):
    """One provider's way of proving credentials and of exchanging them for access."""

    async def check(self, connection: Any) -> None:
        """Read one row of what we will need; raises a 422 Problem naming the fields that can be wrong."""

    async def open(self, connection: Any, known: ProviderSession | None) -> ProviderSession:
        """New access; `known` is what may be built upon. Raises CredentialsRejected."""


class PeopleStore(Protocol):
    """The store of tenants and people."""

    async def save_tenants(self, tenants: Sequence[Tenant]) -> None: ...

    async def save(self, member: Member) -> None: ...

    async def known(self, email: str, tenant_id: str | None) -> list[Member]: ...
