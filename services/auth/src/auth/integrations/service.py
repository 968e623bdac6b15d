"""Connecting a provider, and where an integration stands afterwards."""

from collections.abc import Mapping

from auth.credentials.connections import Connection
from auth.integrations.models import Integration
from auth.providers.ports import Clock, IntegrationStore, Provider
from shared.contracts.base import ProviderCredentialsRejected
from shared.contracts.matcher import MappingFinished
from shared.errors import NotFound


class IntegrationService:
    """Nothing is saved or said before the provider itself took the credentials."""

    def __init__(self, integrations: IntegrationStore, providers: Mapping[str, Provider], now: Clock) -> None:
        self._integrations, self._providers, self._now = integrations, providers, now

    async def connect(self, tenant_id: str, connection: Connection) -> Integration:
        await self._providers[connection.provider].check(connection)
        return await self._integrations.connect(tenant_id, connection, self._now())

    async def every(self, tenant_id: str) -> list[Integration]:
        return await self._integrations.every(tenant_id)

    async def get(self, tenant_id: str, integration_id: str) -> Integration:
        return await self._integrations.get(tenant_id, integration_id)

    async def disconnect(self, tenant_id: str, integration_id: str) -> Integration:
        """Destroys the credential; what was observed and mapped stays where it is."""
        now = self._now()
        return await self._integrations.move(tenant_id, integration_id, lambda known: known.disconnected(now))

    async def finish_mapping(self, news: MappingFinished) -> None:
        """Both integrations become active."""
        now = self._now()
        for integration_id in (news.vendor_integration_id, news.psa_integration_id):
            try:
                await self._integrations.move(
                    news.tenant_id, integration_id, lambda known: known.activated(now)
                )
            except NotFound:
                continue  # news from before this store was begun anew

    async def reject(self, news: ProviderCredentialsRejected) -> None:
        """A person must reconnect, unless that has happened already."""
        now = self._now()
        try:
            await self._integrations.move(
                news.tenant_id,
                news.integration_id,
                lambda known: known.refused(news.generation, news.refused, now),
            )
        except NotFound:
            return
