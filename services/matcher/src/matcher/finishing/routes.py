"""HTTP in: a person finishes mapping, and sees before how far it is."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from matcher.finishing.models import FinishRequest
from matcher.finishing.progress import ProgressQuery
from matcher.finishing.requests import CountsRequest, FinishBody, FinishPreviewRequest
from matcher.finishing.responses import CountsResponse, FinishPreviewResponse, FinishResponse
from matcher.finishing.service import FinishService, ProgressService
from shared.contracts.matcher import MappingKind
from shared.web.fair_share import Caller
from shared.web.openapi import described_router, problem_responses
from shared.web.person import Person
from shared.web.requests import OptionalIdempotencyKey


def make_finish_router(service: FinishService, mapper: Caller) -> APIRouter:
    """`mapper` authenticates the caller, who finishes for their own tenant only."""
    router = described_router("finish")

    @router.post(
        "/finish",
        status_code=202,
        responses=problem_responses(
            _404="No such integration",
            _409="Too little is mapped, an integration is disconnected, or the key belongs to another finish",
        ),
    )
    async def finish(
        body: FinishBody,
        person: Annotated[Person, Depends(mapper)],
        idempotency_key: OptionalIdempotencyKey = None,
    ) -> FinishResponse:
        """Declare that enough is mapped to bill by it: both integrations become active and are synced.

        At least one account and one service must be mapped between them.
        """
        request = FinishRequest(
            tenant_id=person.tenant_id,
            vendor_integration_id=body.vendor_integration_id,
            psa_integration_id=body.psa_integration_id,
            by=person.person_id,
            idempotency_key=idempotency_key,
        )
        event = await service.finish(request)
        return FinishResponse(finish_id=event.finish_id, counts=event.counts)

    return router


def make_progress_router(finishes: FinishService, progress: ProgressService, viewer: Caller) -> APIRouter:
    """`viewer` authenticates the caller, who sees their own tenant only."""
    router = described_router("finish")

    @router.get("/counts")
    async def count(
        request: Annotated[CountsRequest, Query()], person: Annotated[Person, Depends(viewer)]
    ) -> CountsResponse:
        """How many vendor items are in each state: one answer for the chips, the steps and the last step.

        All counts are zero for an integration that there is not.
        """
        query = ProgressQuery(
            tenant_id=person.tenant_id, **(request.model_dump() | {"search": request.search.strip()})
        )
        return CountsResponse.of(await progress.progress(query))

    @router.get("/finish", responses=problem_responses(_404="No such integration"))
    async def preview_finish(
        request: Annotated[FinishPreviewRequest, Query()], person: Annotated[Person, Depends(viewer)]
    ) -> FinishPreviewResponse:
        """Whether `POST /finish` would be accepted now, by the same rule, and what is mapped so far.

        With it comes what of the vendor's usage will not be compared, as billing stated it last.
        """
        vendor_id, psa_id = request.vendor_integration_id, request.psa_integration_id
        readiness = await finishes.preview(person.tenant_id, vendor_id, psa_id)
        accounts, services = [
            await progress.progress(ProgressQuery(person.tenant_id, kind, vendor_id, psa_id))
            for kind in (MappingKind.ACCOUNT, MappingKind.SERVICE)
        ]
        usage = await progress.uncompared(person.tenant_id, vendor_id)
        return FinishPreviewResponse.of(readiness, accounts, services, usage=usage)

    return router
