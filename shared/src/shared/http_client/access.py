"""Access to a tenant's provider: granted by auth, held in memory until it expires, renewed when refused."""

# Invariant: however many calls wait for an integration's access, auth is asked once (single flight). A lock
# guards the held access, and whoever gets the lock looks again before asking:
#
#   ten calls, nothing held        the first asks; nine wait for the lock, and find the new access
#   ten calls refused with A       the first finds A still held, asks, and holds B; nine find B and use it
#
# Who asks may give up, as a change does that waits for seconds only: what is held stays as it is, the lock is
# free, and the next one in line asks. Auth signs in for the first question all the same, and has the answer.
#
# A refusal names the grant's `issued_at`, so that auth signs in once for all replicas that were refused.
#
# Access is of one generation of the integration: credentials that were replaced may have opened another
# account, so whoever began before asks in vain, and ends (`ConnectedAnew`):
#
#   a run of generation 1, connected anew since   auth answers 409 other-generation; no call goes out

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
from pydantic import ValidationError

from shared.errors import (
    ConnectedAnew,
    CredentialsRejected,
    NeighbourAway,
    NotFound,
    PermanentError,
    TransientError,
    UnexpectedResponse,
)
from shared.http_client.access_grant import OTHER_GENERATION, AccessGrant
from shared.http_client.access_source import Access
from shared.http_client.client import Api
from shared.http_client.response import ApiResponse
from shared.http_client.retry import CallPolicy, RateLimit
from shared.runtime.settings import OutboundSettings, ServiceAuthSettings

_EXPIRY_MARGIN = timedelta(seconds=5)
"""Access that expires sooner is not used: the call would be on its way when it does."""
_DETAIL_CHARACTERS = 500
# One attempt: the call that needs access is retried as a whole, and the retries of both would multiply.
# Auth answers late because it signs in at the provider meanwhile.
_GRANT_POLICY = CallPolicy(read_timeout=timedelta(seconds=180), attempts=1, renew_on=frozenset())


class AccessClient:
    """Opens APIs to integrations. Keep one for the life of a process, and close it."""

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
            policy=_GRANT_POLICY,
            transport=transport,
        )

    @asynccontextmanager
    async def connected(
        self,
        tenant_id: str,
        integration_id: str,
        *,
        generation: int,
        headers: Mapping[str, str] | None = None,
        policy: CallPolicy | None = None,
        rate_limit: RateLimit | None = None,
    ) -> AsyncIterator[Api]:
        """Opens the provider's API at the integration's own base address; `headers` are the provider's.

        Its calls raise what `Api` raises. CredentialsRejected comes from auth too; NotFound also means that
        the integration is disconnected; NeighbourAway means that auth does not answer, ConnectedAnew that the
        integration has another generation than this one.
        """
        source = IntegrationAccess(self._auth, tenant_id, integration_id, generation)
        async with Api(
            source, outbound=self._outbound, headers=headers, policy=policy, rate_limit=rate_limit
        ) as api:
            yield api

    async def aclose(self) -> None:
        await self._auth.aclose()


class IntegrationAccess:
    """The access to one generation of an integration, an `AccessSource`."""

    def __init__(self, auth: Api, tenant_id: str, integration_id: str, generation: int) -> None:
        self._auth = auth
        self._integration = {
            "tenant_id": tenant_id,
            "integration_id": integration_id,
            "generation": generation,
        }
        self._lock = asyncio.Lock()
        self._grant: AccessGrant | None = None
        self._access: Access | None = None

    async def current(self) -> Access:
        """Returns the held access, or asks auth when there is none or it expires."""
        async with self._lock:
            grant, access = self._grant, self._access
            if grant and access and datetime.now(UTC) < grant.expires_at - _EXPIRY_MARGIN:
                return access
            return await self._request_grant({})

    async def renew(self, refused: Access) -> Access | None:
        """Asks auth for new access if the refused one is still held; else returns what is held."""
        async with self._lock:
            if self._access is not None and self._access is not refused:
                return self._access
            grant = self._grant
            return await self._request_grant({"rejected_after": grant.issued_at.isoformat()} if grant else {})

    async def _request_grant(self, refusal: Mapping[str, str]) -> Access:
        body = {**self._integration, **refusal}
        try:
            answer = await self._auth.request("POST", "/internal/access", json=body, read_only=True)
        except TransientError as error:
            if error.status is None:
                raise NeighbourAway(str(error)) from error
            raise  # an answer is about the provider: away, or busy, when auth signed in
        grant = _parse_grant(answer)
        if grant.generation != self._integration["generation"]:
            raise UnexpectedResponse("auth granted access for another generation than was asked for")
        self._grant = grant
        self._access = Access(grant.base_url, grant.headers)
        return self._access


def _parse_grant(answer: ApiResponse) -> AccessGrant:
    problem = answer.json if isinstance(answer.json, dict) else {}
    detail = str(problem.get("detail", ""))[:_DETAIL_CHARACTERS]
    match answer.status:
        case 401 | 403:
            raise PermanentError(
                f"auth does not know this service: set AUTH__SERVICE_TOKEN as auth has it ({detail})"
            )
        case 404:
            raise NotFound(detail)
        case 409 if problem.get("reason") == OTHER_GENERATION:
            raise ConnectedAnew(detail, status=answer.status)
        case 409:
            raise CredentialsRejected(detail, message=detail)
        case _:
            body = answer.result()
    try:
        return AccessGrant.model_validate(body)
    except ValidationError:
        # Not chained: a validation error quotes its input, here the headers.
        raise UnexpectedResponse("auth answered /internal/access in a shape that we do not know") from None
