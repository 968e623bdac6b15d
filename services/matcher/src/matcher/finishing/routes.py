"""Finish: enough is mapped, sync and bill by it."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request

from matcher.catalogue.requests import FinishBody
from matcher.catalogue.responses import FinishResponse
from matcher.finishing.service import FinishRequest, FinishService
from shared.web.person import Person

IdempotencyKey = Annotated[str | None, Header(min_length=1, max_length=200)]


def finishing_routes(finishing: FinishService, mapper: Callable[[Request], Awaitable[Person]]) -> APIRouter:
    """The same idempotency key again answers the same and starts nothing."""
    router = APIRouter()

    @router.post("/finish", status_code=202)
    async def finish(
        which: FinishBody,
        person: Annotated[Person, Depends(mapper)],
        idempotency_key: IdempotencyKey = None,
    ) -> FinishResponse:
        wish = FinishRequest(
            tenant_id=person.tenant_id,
            vendor_integration_id=which.vendor_integration_id,
            psa_integration_id=which.psa_integration_id,
            by=person.person_id,
            idempotency_key=idempotency_key,
        )
        event = await finishing.finish(wish)
        return FinishResponse(finish_id=event.finish_id, counts=event.counts)

    return router
