"""Grants access: signs in once for all who ask, and hands the session out until it expires."""

# Invariant: at any time auth itself uses one session per integration, since at some providers a new token
# ends the older one, and nobody is given a session that the provider has refused:
#   12:00:00  A and B ask     → one sign-in; both get the session issued at 12:00:00
#   12:05:00  A is refused, asks with rejected_after 12:00:00 → sign-in; A gets the session issued at 12:05:00
#   12:05:01  B is refused, asks with rejected_after 12:00:00 → no sign-in; B gets the session of 12:05:00
# A session is of one generation, and is handed out for that alone:
#   12:06:00  the integration is connected anew, generation 2; B, at work for 1, asks → ConnectedAnew
# A lock per integration keeps this order; sessions are never stored, so a restart signs in anew.

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime

from auth.access.models import CachedSession
from auth.integrations.models import Integration
from auth.integrations.ports import IntegrationStore
from auth.providers.models import ProviderSession
from auth.providers.ports import Provider
from shared.contracts.auth import IntegrationStatus
from shared.contracts.base import Side
from shared.errors import ConnectedAnew, CredentialsRejected, NotFound


class AccessService:
    """Exchanges sealed credentials for sessions, so that only sessions leave auth (architecture §9)."""

    def __init__(
        self,
        integrations: IntegrationStore,
        providers: Mapping[str, Provider],
        now: Callable[[], datetime],
    ) -> None:
        self._integrations, self._providers, self._now = integrations, providers, now
        self._sessions: dict[str, CachedSession] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def grant(
        self,
        side: Side,
        tenant_id: str,
        integration_id: str,
        *,
        generation: int,
        rejected_after: datetime | None,
    ) -> CachedSession:
        """Returns a session that was issued later than `rejected_after`, the `issued_at` of a refused one.

        Raises ConnectedAnew when the integration has another generation now, NotFound when it is
        disconnected, disabled or of another side, CredentialsRejected when a person must connect again,
        TransientError when the provider is away or busy.
        """
        async with self._locks[integration_id]:
            # Read within the lock: whoever waited must see what the one before it changed.
            integration = await self._integrations.get(tenant_id, integration_id)
            _require_access(integration, side, generation)
            cached = self._sessions.get(integration_id)
            if cached is None:
                return await self._open_session(integration, None)
            if cached.is_usable(integration.generation, self._now(), rejected_after):
                return cached
            # An expired session may be built upon; a refused one, or one of other credentials, may not.
            reusable = cached.generation == integration.generation and rejected_after is None
            return await self._open_session(integration, cached.session if reusable else None)

    async def _open_session(
        self, integration: Integration, previous: ProviderSession | None
    ) -> CachedSession:
        connection = await self._integrations.credentials(integration)
        # Before the call: measured from its end, the session would be believed to live longer than it does.
        issued_at = self._now()
        try:
            session = await self._providers[integration.provider].open_session(connection, previous)
        except CredentialsRejected as error:
            await self._record_rejection(integration, str(error))
            raise
        cached = CachedSession(session, issued_at, integration.generation)
        self._sessions[integration.integration_id] = cached
        return cached

    async def _record_rejection(self, integration: Integration, reason: str) -> None:
        """Moves the integration to `error`, so that the provider is not asked again with what it refuses."""
        self._sessions.pop(integration.integration_id, None)
        now = self._now()
        await self._integrations.apply(
            integration.tenant_id,
            integration.integration_id,
            lambda current: current.reject(integration.generation, reason, now),
        )


def _require_access(integration: Integration, side: Side, generation: int) -> None:
    if integration.side is not side:
        raise NotFound(f"{integration.integration_id} is none of the {side} side")
    if integration.generation != generation:
        generations = f"its generation is {integration.generation}, not {generation}"
        raise ConnectedAnew(f"{integration.name} was connected anew: {generations}")
    match integration.status:
        case IntegrationStatus.DISCONNECTED | IntegrationStatus.DISABLED:
            raise NotFound(f"{integration.name} is {integration.status}: there is no access to it")
        case IntegrationStatus.ERROR:
            raise CredentialsRejected(integration.reason or f"{integration.name} must be connected again")
        case IntegrationStatus.PENDING | IntegrationStatus.ACTIVE:
            return
