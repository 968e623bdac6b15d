"""HTTP in: access for the sync services, each on its own side. People are refused, the console's too."""

from collections.abc import Mapping
from hmac import compare_digest
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response, Security
from fastapi.security import HTTPBearer

from auth.access.models import CachedSession
from auth.access.requests import AccessRequest
from auth.access.service import AccessService
from shared.contracts.base import Side
from shared.errors import ConnectedAnew
from shared.http_client.access_grant import OTHER_GENERATION, AccessGrant
from shared.web.openapi import problem_responses
from shared.web.problems import Problem
from shared.web.security_events import SecurityEvent

_SERVICE_TOKEN = HTTPBearer(
    scheme_name="ServiceToken", auto_error=False, description="The service's own token, from SERVICE_TOKENS."
)


class ServiceAuthenticator:
    """Recognises a service by its token alone; `tokens` holds the token of each side's sync service."""

    def __init__(self, tokens: Mapping[Side, str]) -> None:
        self._tokens = {side: token.encode() for side, token in tokens.items()}

    async def side(self, request: Request) -> Side:
        """A FastAPI dependency: the side that the calling service syncs; a 401 Problem for anyone else."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        sent = token.encode()
        # Every token is compared, in constant time: how long it takes must not tell how much was right.
        sides = [side for side, expected in self._tokens.items() if compare_digest(expected, sent)]
        if scheme.lower() != "bearer" or not sides:
            refusal = Problem(
                401, "Unknown service", "This is for services: send the service token as Bearer."
            )
            raise refusal.logged_as(SecurityEvent.TOKEN_REFUSED, reason="no service has this token")
        return sides[0]


def access_routes(access: AccessService, services: ServiceAuthenticator) -> APIRouter:
    """Left out of the published API description: only the sync services call this."""
    router = APIRouter(
        prefix="/internal",
        tags=["access"],
        include_in_schema=False,
        dependencies=[Security(_SERVICE_TOKEN)],
        responses=problem_responses(
            _401="Not the token of a service",
            _404="No such integration on the service's side, or it is disconnected or disabled",
            _409="The provider refuses the credentials: a person must connect again; with the `reason` "
            "`other-generation`: the integration was connected anew",
            _422="A field is wrong; `fields` names it",
            _503="The provider is away or busy: try again after `Retry-After` seconds",
        ),
    )

    @router.post("/access")
    async def grant_access(
        body: AccessRequest, side: Annotated[Side, Depends(services.side)], response: Response
    ) -> AccessGrant:
        """Hand out a base address and request headers that are good until `expires_at`."""
        # The answer carries secrets: nothing on the way may keep it.
        response.headers["Cache-Control"] = "no-store"
        cached = await _granted(access, side, body)
        return AccessGrant(
            base_url=cached.session.base_url,
            headers=dict(cached.session.headers),
            issued_at=cached.issued_at,
            expires_at=cached.expires_at,
            generation=cached.generation,
        )

    return router


async def _granted(access: AccessService, side: Side, request: AccessRequest) -> CachedSession:
    try:
        return await access.grant(
            side,
            request.tenant_id,
            request.integration_id,
            generation=request.generation,
            rejected_after=request.rejected_after,
        )
    except ConnectedAnew as error:
        raise Problem(409, "Connected anew", str(error), reason=OTHER_GENERATION) from error
