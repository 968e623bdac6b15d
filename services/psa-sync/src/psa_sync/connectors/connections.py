"""Open connections to PSAs: one client for each integration, shared while anyone uses it, closed after."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from psa_sync.connectors.connectwise import ConnectWise
from shared.access import Accesses
from shared.errors import PermanentError
from shared.syncing.models import Known


@dataclass(slots=True)
class _Shared:
    psa: ConnectWise
    client: AsyncExitStack
    users: int = 0


class Connections:
    """Opens the connector of an integration's provider, with access asked of auth as it is needed."""

    def __init__(self, accesses: Accesses, connectors: Mapping[str, type[ConnectWise]]) -> None:
        self._accesses, self._connectors = accesses, connectors
        self._open: dict[tuple[str, str], _Shared] = {}

    @asynccontextmanager
    async def open(self, known: Known) -> AsyncIterator[ConnectWise]:
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

    async def _opened(self, known: Known) -> _Shared:
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
