"""Open connections to PSAs: one client for each integration, shared while anyone uses it, closed after."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from psa_sync.connectors.connectwise.connector import ConnectWiseConnector
from shared.errors import PermanentError
from shared.http_client.access import AccessClient
from shared.sync_engine.models import IntegrationState


@dataclass(slots=True)
class _Shared:
    psa: ConnectWiseConnector
    client: AsyncExitStack
    users: int = 0


class PsaConnections:
    """Opens the connector of an integration's provider, with access asked of auth as it is needed."""

    def __init__(self, accesses: AccessClient, connectors: Mapping[str, type[ConnectWiseConnector]]) -> None:
        self._accesses, self._connectors = accesses, connectors
        self._open: dict[tuple[str, str], _Shared] = {}

    @asynccontextmanager
    async def open(self, known: IntegrationState) -> AsyncIterator[ConnectWiseConnector]:
        """Credentials are forgotten with the client once the last user leaves."""
        key = (known.tenant_id, known.integration_id)
        shared = self._open.get(key) or await self._opened(known)
        self._open[key] = shared
        shared.users += 1
        try:
            yield shared.psa
        finally:
            shared.users -= 1
            if not shared.users:
                self._open.pop(key, None)
                await shared.client.aclose()

    async def _opened(self, known: IntegrationState) -> _Shared:
        connector = self._connectors.get(known.provider)
        if connector is None:
            raise PermanentError(f"no connector for {known.provider}: known are {sorted(self._connectors)}")
        client = AsyncExitStack()
        api = await client.enter_async_context(
            self._accesses.connected(
                known.tenant_id, known.integration_id, headers=connector.headers, policy=connector.policy
            )
        )
        return _Shared(connector(api), client)
