"""Opens connections to marketplaces, each within its integration's rate limit."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from shared.errors import PermanentError
from shared.http_client.access import AccessClient
from shared.http_client.client import Api
from shared.http_client.rate_limit import RateLimits
from shared.sync_engine.models import IntegrationState
from vendor_sync.runs.ports import Marketplace


class MarketplaceConnections:
    """Opens the connector of an integration's provider; access is asked of auth as it is needed."""

    def __init__(
        self,
        access: AccessClient,
        rate_limits: RateLimits,
        connectors: Mapping[str, Callable[[Api], Marketplace]],
    ) -> None:
        self._access, self._rate_limits, self._connectors = access, rate_limits, connectors

    @asynccontextmanager
    async def open(self, integration: IntegrationState) -> AsyncIterator[Marketplace]:
        """Opens the integration's marketplace; the credentials are forgotten when it is closed.

        Raises `PermanentError` for an unknown provider.
        """
        connector = self._connectors.get(integration.provider)
        if connector is None:
            raise PermanentError(
                f"no connector for {integration.provider}: known are {sorted(self._connectors)}"
            )
        async with self._access.connected(
            integration.tenant_id,
            integration.integration_id,
            generation=integration.generation,
            rate_limit=self._rate_limits.of(integration.integration_id),
        ) as api:
            yield connector(api)
