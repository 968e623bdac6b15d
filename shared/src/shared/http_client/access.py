"""Access to a tenant's provider: asked of auth, held in memory until it expires, renewed when refused."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
from pydantic import ValidationError

from shared.errors import (
    CredentialsRejected,
    NeighbourAway,
    NotFound,
    PermanentError,
    TransientError,
    UnexpectedResponse,
)
from shared.http_client.access_grant import AccessGrant
from shared.http_client.access_source import Access
from shared.http_client.client import Api
from shared.http_client.response import ApiResponse
from shared.http_client.retry import CallPolicy, RateLimit
from shared.runtime.settings import OutboundSettings, ServiceAuthSettings

_MARGIN = timedelta(seconds=5)
# The call that needs access is retried as a whole, and retries would multiply.
_ASK_ONCE = CallPolicy(read=180.0, attempts=1, renew_on=frozenset())


class AccessClient:
    """Opens APIs to integrations; keep one for the life of a process, and close it."""

    def __init__(
        self,
        settings: ServiceAuthSettings,
        outbound: OutboundSettings,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._outbound = outbound
        self._auth = Api(
            settings.url,
            outbound=OutboundSettings(allowed_origins=(settings.url,)),
            headers={"Authorization": f"Bearer {settings.service_token.get_secret_value()}"},
            policy=_ASK_ONCE,
            transport=transport,
        )

    @asynccontextmanager
    async def connected(
        self,
        tenant_id: str,
        integration_id: str,
        *,
        headers: Mapping[str, str] | None = None,
        policy: CallPolicy | None = None,
        budget: RateLimit | None = None,
    ) -> AsyncIterator[Api]:
        """The provider's API with the integration's own base address; `headers` are those of the provider.

        Its calls raise CredentialsRejected also when auth says so, NotFound once it is disconnected.
        """
        source = IntegrationAccess(self._auth, tenant_id, integration_id)
        async with Api(source, outbound=self._outbound, headers=headers, policy=policy, budget=budget) as api:
            yield api

    async def aclose(self) -> None:
        await self._auth.aclose()


class IntegrationAccess:
    """One integration's access; however many calls wait for it, auth is asked once."""

    def __init__(self, auth: Api, tenant_id: str, integration_id: str) -> None:
        self._auth = auth
        self._asked_for = {"tenant_id": tenant_id, "integration_id": integration_id}
        self._lock = asyncio.Lock()
        self._granted: AccessGrant | None = None
        self._access: Access | None = None

    async def current(self) -> Access:
        async with self._lock:
            granted, access = self._granted, self._access
            if granted and access and datetime.now(UTC) < granted.expires_at - _MARGIN:
                return access
            return await self._ask({})

    async def renewed(self, refused: Access) -> Access | None:
        """Whoever finds the refused access still held asks auth for another; the rest use theirs."""
        async with self._lock:
            if self._access is not None and self._access is not refused:
                return self._access
            known = self._granted
            return await self._ask({"rejected_after": known.issued_at.isoformat()} if known else {})

    async def _ask(self, more: Mapping[str, str]) -> Access:
        wanted = {**self._asked_for, **more}
        try:
            answer = await self._auth.request("POST", "/internal/access", json=wanted, reads=True)
        except TransientError as error:
            if error.status is None:
                raise NeighbourAway(str(error)) from error
            raise  # an answer is about the provider: away, or busy, when auth signed in
        granted = _granted(answer)
        self._granted = granted
        self._access = Access(granted.base_url, granted.headers)
        return self._access


def _granted(answer: ApiResponse) -> AccessGrant:
    detail = answer.json.get("detail", "") if isinstance(answer.json, dict) else ""
    match answer.status:
        case 401 | 403:
            raise PermanentError(
                f"auth does not know this service: set AUTH__SERVICE_TOKEN as auth has it ({detail})"
            )
        case 404:
            raise NotFound(str(detail))
        case 409:
            raise CredentialsRejected(str(detail), message=str(detail))
        case _:
            body = answer.result()
    try:
        return AccessGrant.model_validate(body)
    except ValidationError:
        # Not chained: a validation error quotes its input, here the headers.
        raise UnexpectedResponse("auth answered /internal/access in a shape that we do not know") from None
