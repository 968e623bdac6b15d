"""Open connections to marketplaces, each within its integration's budget."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from shared.errors import PermanentError
from shared.http_client.access import AccessClient
from shared.http_client.rate_limit import RateLimits
from shared.sync_engine.models import IntegrationState
from vendor_sync.connectors.ingram_micro.connector import IngramMicroConnector


class MarketplaceConnections:
    """Opens the connector of an integration's provider; access is asked of auth as it is needed."""

    def __init__(
        self,
        accesses: AccessClient,
        budgets: RateLimits,
        connectors: Mapping[str, type[IngramMicroConnector]],
    ) -> None:
        self._accesses, self._budgets, self._connectors = accesses, budgets, connectors

    @asynccontextmanager
    async def open(self, known: IntegrationState) -> AsyncIterator[IngramMicroConnector]:
        """Credentials are forgotten with the connection. Raises `PermanentError` for an unknown provider."""
        connector = self._connectors.get(known.provider)
        if connector is None:
            raise PermanentError(f"no connector for {known.provider}: known are {sorted(self._connectors)}")
        async with self._accesses.connected(
            known.tenant_id, known.integration_id, rate_limit=self._budgets.of(known.integration_id)
        ) as api:
            yield connector(api)
