"""Opens connections to PSAs: one client for each integration, shared while anyone uses it, closed after."""

# All callers of an integration, in runs and writes and in every replica, share one rate limit: when the PSA
# answers 429, none of them calls before its `Retry-After` is over.

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from psa_sync.runs.ports import PsaConnection
from shared.errors import PermanentError
from shared.http_client.access import AccessClient
from shared.http_client.client import Api
from shared.http_client.rate_limit import RateLimits
from shared.http_client.retry import CallPolicy
from shared.sync_engine.models import IntegrationState


@dataclass(frozen=True, slots=True)
class PsaConnector:
    """How one provider is connected: what makes a connection of an open API, and how the API is called."""

    connect: Callable[[Api], PsaConnection]
    headers: Mapping[str, str]
    policy: CallPolicy


@dataclass(slots=True)
class _SharedConnection:
    psa: PsaConnection
    client: AsyncExitStack
    users: int = 0


class PsaConnections:
    """Opens the connector of an integration's provider, with access asked of auth as it is needed."""

    def __init__(
        self, access: AccessClient, rate_limits: RateLimits, connectors: Mapping[str, PsaConnector]
    ) -> None:
        self._access, self._rate_limits, self._connectors = access, rate_limits, connectors
        self._open: dict[tuple[str, str, int], _SharedConnection] = {}

    @asynccontextmanager
    async def open(self, integration: IntegrationState) -> AsyncIterator[PsaConnection]:
        """Opens the integration's PSA, or shares the connection that is open already.

        The client and the credentials it holds are dropped when the last user leaves.

        Raises `PermanentError` for an unknown provider.
        """
        # Not shared over generations: their credentials may open another account.
        key = (integration.tenant_id, integration.integration_id, integration.generation)
        connection = self._open.get(key) or await self._connect(integration)
        self._open[key] = connection
        connection.users += 1
        try:
            yield connection.psa
        finally:
            connection.users -= 1
            if not connection.users:
                self._open.pop(key, None)
                await connection.client.aclose()

    async def _connect(self, integration: IntegrationState) -> _SharedConnection:
        connector = self._connectors.get(integration.provider)
        if connector is None:
            raise PermanentError(
                f"no connector for {integration.provider}: known are {sorted(self._connectors)}"
            )
        client = AsyncExitStack()
        api = await client.enter_async_context(
            self._access.connected(
                integration.tenant_id,
                integration.integration_id,
                generation=integration.generation,
                headers=connector.headers,
                policy=connector.policy,
                rate_limit=self._rate_limits.of(integration.integration_id),
            )
        )
        return _SharedConnection(connector.connect(api), client)
