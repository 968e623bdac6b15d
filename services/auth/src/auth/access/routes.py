"""Access for the sync services, each on its own side. Not for people: the console does not pass it on."""

from collections.abc import Mapping
from hmac import compare_digest
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict

from auth.access.service import AccessService
from shared.contracts.base import Side
from shared.web.problems import Problem


class AccessRequest(BaseModel):
    """`rejected_after` is the `issued_at` of access that the provider refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tenant_id: str
    integration_id: str
    rejected_after: AwareDatetime | None = None


class ServiceCallers:
    """Knows a service by its token alone; `tokens` are by side."""

    def __init__(self, tokens: Mapping[Side, str]) -> None:
        self._tokens = {side: token.encode() for side, token in tokens.items()}

    async def side(self, request: Request) -> Side:
        """A FastAPI dependency; every token is compared, so that time tells nothing."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        sent = token.encode()
        known = [side for side, expected in self._tokens.items() if compare_digest(expected, sent)]
        if scheme.lower() != "bearer" or not known:
            raise Problem(401, "Unknown service", "This is for services: send the service token as Bearer.")
        return known[0]


def internal_routes(granting: AccessService, callers: ServiceCallers) -> APIRouter:
    """Out of the API's description, for it is nobody's but the sync services'."""
    router = APIRouter(prefix="/internal", include_in_schema=False)

    @router.post("/access")
    async def access(
        wanted: AccessRequest, side: Annotated[Side, Depends(callers.side)], response: Response
    ) -> dict[str, Any]:
        response.headers["Cache-Control"] = "no-store"
        grant = await granting.access(
            side, wanted.tenant_id, wanted.integration_id, rejected_after=wanted.rejected_after
        )
        return grant.body()

    return router
