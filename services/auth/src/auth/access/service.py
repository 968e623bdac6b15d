"""Granting access: sign in once for all who ask, keep it in memory, hand it out until it expires."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

from auth.access.models import IntegrationAccessGrant
from auth.integrations.models import Integration
from auth.providers.ports import Clock, IntegrationStore, Provider
from shared.contracts.auth import IntegrationStatus
from shared.contracts.base import Side
from shared.errors import CredentialsRejected, NotFound


class AccessService:
    """One sign-in per integration at a time, and one access for all: a new token may end an older one."""

    def __init__(self, integrations: IntegrationStore, providers: Mapping[str, Provider], now: Clock) -> None:
        self._integrations, self._providers, self._now = integrations, providers, now
        self._granted: dict[str, IntegrationAccessGrant] = {}
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def access(
        self, side: Side, tenant_id: str, integration_id: str, *, rejected_after: datetime | None
    ) -> IntegrationAccessGrant:
        """Raises NotFound when it is disconnected, CredentialsRejected when a person must reconnect.

        `rejected_after` is the `issued_at` of access that the provider refused: only newer is answered.
        """
        async with self._turns[integration_id]:
            integration = await self._integrations.get(tenant_id, integration_id)
            _must_be_open(integration, side)
            known = self._granted.get(integration_id)
            if known is None or not known.serves(integration.generation, self._now(), rejected_after):
                known = await self._open(integration, known, refused=rejected_after is not None)
            return known

    async def _open(
        self, integration: Integration, known: IntegrationAccessGrant | None, *, refused: bool
    ) -> IntegrationAccessGrant:
        usable = known is not None and known.generation == integration.generation and not refused
        connection = await self._integrations.credentials(integration)
        issued_at = self._now()
        try:
            opening = await self._providers[integration.provider].open(
                connection, known.opening if known and usable else None
            )
        except CredentialsRejected as error:
            await self._refuse(integration, str(error))
            raise
        grant = IntegrationAccessGrant(opening, issued_at, integration.generation)
        self._granted[integration.integration_id] = grant
        return grant

    async def _refuse(self, integration: Integration, reason: str) -> None:
        """Remembered at once, so that the provider is not asked again with what it refuses."""
        self._granted.pop(integration.integration_id, None)
        now = self._now()
        await self._integrations.move(
            integration.tenant_id,
            integration.integration_id,
            lambda current: current.refused(integration.generation, reason, now),
        )


def _must_be_open(integration: Integration, side: Side) -> None:
    if integration.side is not side:
        raise NotFound(f"{integration.integration_id} is none of the {side} side")
    match integration.status:
        case IntegrationStatus.DISCONNECTED | IntegrationStatus.DISABLED:
            raise NotFound(f"{integration.name} is {integration.status}: there is no access to it")
        case IntegrationStatus.ERROR:
            raise CredentialsRejected(integration.reason or f"{integration.name} must be connected again")
        case IntegrationStatus.PENDING | IntegrationStatus.ACTIVE:
            return
