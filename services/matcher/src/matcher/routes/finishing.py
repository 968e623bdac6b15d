"""Finish: enough is mapped, sync and bill by it."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request

from matcher.routes.questions import Finish
from matcher.routes.views import Finished
from matcher.service.finishing import Finishing, Wish
from shared.people import Person

IdempotencyKey = Annotated[str | None, Header(min_length=1, max_length=200)]


def finishing_routes(finishing: Finishing, mapper: Callable[[Request], Awaitable[Person]]) -> APIRouter:
    """The same idempotency key again answers the same and starts nothing."""
    router = APIRouter()

    @router.post("/finish", status_code=202)
    async def finish(
        which: Finish,
        person: Annotated[Person, Depends(mapper)],
        idempotency_key: IdempotencyKey = None,
    ) -> Finished:
        wish = Wish(
            tenant_id=person.tenant_id,
            vendor_integration_id=which.vendor_integration_id,
            psa_integration_id=which.psa_integration_id,
            by=person.person_id,
            idempotency_key=idempotency_key,
        )
        event = await finishing.finish(wish)
        return Finished(finish_id=event.finish_id, counts=event.counts)

    return router
