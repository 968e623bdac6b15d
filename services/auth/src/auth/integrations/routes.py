"""HTTP in: connecting providers, looking at integrations, disconnecting them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from auth.integrations.requests import ConnectionRequest
from auth.integrations.responses import IntegrationList, IntegrationResponse
from auth.integrations.service import IntegrationService
from shared.web.openapi import described_router, problem_responses
from shared.web.person import Person, Role
from shared.web.requests import Id
from shared.web.token_verification import TokenVerifier, require_role

_NOT_FOUND = problem_responses(_404="The tenant has no such integration")


def integration_routes(integrations: IntegrationService, verifier: TokenVerifier) -> APIRouter:
    """Every person of the tenant may look; only an admin connects and disconnects."""
    router = described_router("integrations")
    _admin_routes(router, integrations, verifier)
    _viewer_routes(router, integrations, verifier)
    return router


def _admin_routes(router: APIRouter, integrations: IntegrationService, verifier: TokenVerifier) -> None:
    admin = require_role(verifier, Role.ADMIN)

    @router.post(
        "/integrations",
        status_code=201,
        responses=problem_responses(
            _409="Somebody else connected another account at the same moment: try again",
            _422="A field is wrong, or the provider refused, or the credentials are of another company than "
            "those before; `fields` names all that can be wrong",
            _503="The provider is busy: try again after `Retry-After` seconds",
        ),
    )
    async def connect(
        body: ConnectionRequest, person: Annotated[Person, Depends(admin)]
    ) -> IntegrationResponse:
        """Prove the credentials live at the provider, then save them sealed and start the first sync.

        Nothing is saved when the provider refuses them. The same marketplace or company, however its address
        is spelt, is always the same integration: connecting it again raises its `generation` and keeps its
        name, settings and mappings. Credentials of another reseller are refused then: name that one in
        `reseller` to connect it besides.
        """
        integration = await integrations.connect(person.tenant_id, body.root)
        return IntegrationResponse.model_validate(integration)

    @router.delete("/integrations/{integration_id}", responses=_NOT_FOUND)
    async def disconnect(
        integration_id: Annotated[Id, Path()], person: Annotated[Person, Depends(admin)]
    ) -> IntegrationResponse:
        """Destroy the credential and end all access; what was observed and mapped is kept."""
        return IntegrationResponse.model_validate(
            await integrations.disconnect(person.tenant_id, integration_id)
        )


def _viewer_routes(router: APIRouter, integrations: IntegrationService, verifier: TokenVerifier) -> None:
    viewer = require_role(verifier, Role.VIEWER)

    @router.get("/integrations")
    async def list_integrations(person: Annotated[Person, Depends(viewer)]) -> IntegrationList:
        """List all integrations of the tenant, by name."""
        found = await integrations.list(person.tenant_id)
        return IntegrationList.model_validate({"integrations": found})

    @router.get("/integrations/{integration_id}", responses=_NOT_FOUND)
    async def get_integration(
        integration_id: Annotated[Id, Path()], person: Annotated[Person, Depends(viewer)]
    ) -> IntegrationResponse:
        """Get one integration of the tenant."""
        return IntegrationResponse.model_validate(await integrations.get(person.tenant_id, integration_id))
