"""HTTP in: a person finishes mapping."""

from typing import Annotated

from fastapi import APIRouter, Depends

from matcher.finishing.models import FinishRequest
from matcher.finishing.requests import FinishBody
from matcher.finishing.responses import FinishResponse
from matcher.finishing.service import FinishService
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
