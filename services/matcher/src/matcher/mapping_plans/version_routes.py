"""HTTP in: versions of all mappings, what differs from one, and the way back to it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from matcher.catalogue.ports import Catalogue
from matcher.mapping_plans.end_names import load_names
from matcher.mapping_plans.repository import MongoPlans
from matcher.mapping_plans.requests import DifferenceParameters, VersionBody, VersionsParameters
from matcher.mapping_plans.responses import PlanResponse
from matcher.mapping_plans.version_responses import (
    DifferenceResponse,
    DifferencesPage,
    VersionResponse,
    VersionsPage,
    difference_refs,
)
from matcher.mapping_plans.versions import VersionService
from shared.web.fair_share import Caller
from shared.web.openapi import described_router, problem_responses
from shared.web.pagination import encode_cursor
from shared.web.person import Person
from shared.web.requests import Id

_NO_VERSION = problem_responses(_404="No such version")


def make_version_list_router(
    plans: MongoPlans, versions: VersionService, catalogue: Catalogue, viewer: Caller
) -> APIRouter:
    """`viewer` authenticates the caller, who sees their own tenant only."""
    router = described_router("mappings as data")

    @router.get("/mapping-versions")
    async def list_versions(
        parameters: Annotated[VersionsParameters, Query()], person: Annotated[Person, Depends(viewer)]
    ) -> VersionsPage:
        """Moments of all mappings, the newest first: named ones, and those before and after each plan."""
        limit = parameters.limit
        found = await plans.versions(person.tenant_id, parameters.after, limit + 1)
        return VersionsPage(
            versions=tuple(VersionResponse.of(version) for version in found[:limit]),
            next=encode_cursor(found[limit - 1].id) if len(found) > limit else None,
        )

    @router.get("/mapping-versions/{version_id}/diff", responses=_NO_VERSION)
    async def compare(
        version_id: Id,
        parameters: Annotated[DifferenceParameters, Query()],
        person: Annotated[Person, Depends(viewer)],
    ) -> DifferencesPage:
        """Where the mappings differ between a version and now, or another version."""
        version = await plans.version(person.tenant_id, version_id)
        to = await plans.version(person.tenant_id, parameters.to) if parameters.to else None
        limit = parameters.limit
        found = await versions.differences(version, to, after=parameters.after, limit=limit + 1)
        refs = [ref for one in found[:limit] for ref in difference_refs(one)]
        names = await load_names(catalogue, person.tenant_id, refs)
        return DifferencesPage(
            differences=tuple(DifferenceResponse.of(one, names) for one in found[:limit]),
            next=encode_cursor(found[limit - 1].mapping.key) if len(found) > limit else None,
        )

    return router


def make_version_router(plans: MongoPlans, versions: VersionService, mapper: Caller) -> APIRouter:
    """`mapper` authenticates the caller, who decides for their own tenant only."""
    router = described_router("mappings as data")

    @router.post(
        "/mapping-versions",
        status_code=201,
        responses=problem_responses(_409="A large change of the mappings is half made"),
    )
    async def name_version(body: VersionBody, person: Annotated[Person, Depends(mapper)]) -> VersionResponse:
        """Give the present mappings a name, to compare with them later, or to go back to them."""
        return VersionResponse.of(await versions.name(person.tenant_id, body.name, person.person_id))

    @router.post("/mapping-versions/{version_id}/rollback", status_code=201, responses=_NO_VERSION)
    async def roll_back(version_id: Id, person: Annotated[Person, Depends(mapper)]) -> PlanResponse:
        """Make a plan that brings all mappings of a version back; nothing is decided by it."""
        version = await plans.version(person.tenant_id, version_id)
        return PlanResponse.of(await versions.rollback(version, person.person_id))

    return router
