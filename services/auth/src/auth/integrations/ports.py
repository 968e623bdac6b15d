"""What the use cases need: a store that saves every change together with its events."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from auth.credentials.connections import Connection
from auth.integrations.models import Integration
from auth.providers.models import UNTOLD, AccountIdentity


class IntegrationStore(Protocol):
    """The integrations of all tenants; each change and its events are saved together or not at all."""

    async def connect(
        self,
        tenant_id: str,
        connection: Connection,
        now: datetime,
        *,
        identity: AccountIdentity = UNTOLD,
        previous: Integration | None = None,
    ) -> Integration:
        """Saves proven credentials as the next generation of the previous integration, or as a new one.

        Raises Conflict when the integration was connected to another account at the same moment.
        """

    async def apply(
        self, tenant_id: str, integration_id: str, transition: Callable[[Integration], Integration]
    ) -> Integration:
        """Saves what `transition` makes of the integration, and returns that. Raises NotFound."""

    async def get(self, tenant_id: str, integration_id: str) -> Integration:
        """Raises NotFound."""

    async def list(self, tenant_id: str) -> Sequence[Integration]:
        """By name."""

    async def credentials(self, integration: Integration) -> Connection:
        """Raises NotFound when the credentials of this generation were replaced or destroyed."""
