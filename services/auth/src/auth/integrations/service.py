"""Use cases of integrations: connect, look, disconnect, and follow what other services say of one."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import structlog

from auth.credentials.connections import Connection
from auth.integrations.models import Integration
from auth.integrations.ports import IntegrationStore
from auth.integrations.recognition import find_previous
from auth.providers.ports import Provider
from shared.contracts.auth import IntegrationChanged
from shared.contracts.base import ProviderCredentialsRejected
from shared.contracts.matcher import MappingFinished
from shared.errors import NotFound

log = structlog.get_logger()


class IntegrationService:
    """Nothing is saved or published before the provider itself has accepted the credentials."""

    def __init__(
        self,
        integrations: IntegrationStore,
        providers: Mapping[str, Provider],
        now: Callable[[], datetime],
    ) -> None:
        self._integrations, self._providers, self._now = integrations, providers, now

    async def connect(self, tenant_id: str, connection: Connection) -> Integration:
        """Raises a 422 Problem for wrong credentials, or those of another account.

        Raises TransientError when the provider is busy, and Conflict when somebody else connected another
        account at the same moment.
        """
        provider = self._providers[connection.provider]
        identity = await provider.check(connection)
        stored = await self._integrations.list(tenant_id)
        previous = await find_previous(connection, identity, stored, provider)
        return await self._integrations.connect(
            tenant_id, connection, self._now(), identity=identity, previous=previous
        )

    async def list(self, tenant_id: str) -> Sequence[Integration]:
        return await self._integrations.list(tenant_id)

    async def get(self, tenant_id: str, integration_id: str) -> Integration:
        """Raises NotFound."""
        return await self._integrations.get(tenant_id, integration_id)

    async def disconnect(self, tenant_id: str, integration_id: str) -> Integration:
        """Destroys the credential; what was observed and mapped is kept. Raises NotFound."""
        now = self._now()
        return await self._integrations.apply(
            tenant_id, integration_id, lambda integration: integration.disconnect(now)
        )

    async def activate(self, event: MappingFinished) -> None:
        """Makes both integrations of a finished mapping active."""
        now = self._now()
        for integration_id in (event.vendor_integration_id, event.psa_integration_id):
            await self._apply_event(
                event.tenant_id, integration_id, lambda integration: integration.activate(now)
            )

    async def reject_credentials(self, event: ProviderCredentialsRejected) -> None:
        """Asks a person to connect again, unless somebody has done so since."""
        now = self._now()
        await self._apply_event(
            event.tenant_id,
            event.integration_id,
            lambda integration: integration.reject(event.generation, event.refused, now),
        )

    async def catch_up(self, told: IntegrationChanged) -> None:
        """Follows auth's own news, which is newer than what is stored only when the database was restored."""
        now, recovered = self._now(), False

        def transition(integration: Integration) -> Integration:
            nonlocal recovered
            after = integration.caught_up(told, now)
            recovered = after != integration
            return after

        await self._apply_event(told.tenant_id, told.integration_id, transition)
        if recovered:
            log.error(
                "integration_recovered",
                tenant_id=told.tenant_id,
                integration_id=told.integration_id,
                status=told.status,
                generation=told.generation,
            )

    async def _apply_event(
        self, tenant_id: str, integration_id: str, transition: Callable[[Integration], Integration]
    ) -> None:
        try:
            await self._integrations.apply(tenant_id, integration_id, transition)
        except NotFound:
            # Topics outlive the store: an event may be older than a store that was begun anew.
            return
