"""Asking for fresh numbers."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from billing.runs.sync_requests import SyncRequestService
from billing.usage.requests import SyncBody
from shared.web.openapi import described_router, problem_responses
from shared.web.person import Person, Role
from shared.web.token_verification import TokenVerifier, require_role


class SyncStarted(BaseModel):
    """The sync, whose runs and completion carry its id."""

    sync_id: str
    integration_ids: tuple[str, ...]


def make_router(verifier: TokenVerifier, syncing: SyncRequestService) -> APIRouter:
    """`POST /syncs`."""
    router = described_router("syncs")
    mapper = require_role(verifier, Role.MAPPER)

    @router.post("/syncs", status_code=202, responses=problem_responses(_409="No integration is active"))
    async def sync(wanted: SyncBody, person: Annotated[Person, Depends(mapper)]) -> SyncStarted:
        """Sync every active integration; where a full run is going on, the request joins it."""
        started = await syncing.request(person.tenant_id, person.person_id, wanted.kind)
        return SyncStarted(sync_id=started.sync_id, integration_ids=started.integration_ids)

    return router
