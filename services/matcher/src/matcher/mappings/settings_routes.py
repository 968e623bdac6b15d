"""HTTP in: how a tenant has items mapped by themselves."""

from typing import Annotated

from fastapi import APIRouter, Depends

from matcher.mappings.matching_settings import MatchingSettingsService
from matcher.mappings.models import SettingsRefused
from matcher.mappings.repository import MongoMappings
from matcher.mappings.requests import MatchingSettingsRequest
from matcher.mappings.responses import MatchingSettingsResponse, SettingsConflict
from shared.web.fair_share import Caller
from shared.web.openapi import described_router, problem_response
from shared.web.person import Person
from shared.web.problems import Problem
from shared.web.requests import OptionalIfMatch


def make_settings_router(
    mappings: MongoMappings, service: MatchingSettingsService, *, viewer: Caller, admin: Caller
) -> APIRouter:
    """Read (viewer), change (admin); each for their own tenant."""
    router = described_router("settings")

    @router.get("/settings")
    async def get_settings(person: Annotated[Person, Depends(viewer)]) -> MatchingSettingsResponse:
        """How names are compared to map items by themselves, who decided it, and when."""
        return MatchingSettingsResponse.of(await mappings.matching_settings(person.tenant_id))

    @router.put(
        "/settings",
        responses={409: problem_response("Changed meanwhile, or not possible yet", SettingsConflict)},
    )
    async def change_settings(
        body: MatchingSettingsRequest,
        person: Annotated[Person, Depends(admin)],
        if_match: OptionalIfMatch = None,
    ) -> MatchingSettingsResponse:
        """Change how names are compared; everything is compared anew. The same again changes nothing."""
        try:
            return MatchingSettingsResponse.of(await service.change(body.change_by(person, if_match)))
        except SettingsRefused as refused:
            stands = MatchingSettingsResponse.of(refused.settings).model_dump(mode="json")
            raise Problem(409, "Conflict", str(refused), settings=stands) from refused

    return router
