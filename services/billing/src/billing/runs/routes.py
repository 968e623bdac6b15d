"""The runs that numbers came from, as billing closed them, and the request for new ones."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from billing.runs.repository import FinishedRunRepository
from billing.runs.requests import StartSyncRequest
from billing.runs.responses import RunPage, RunResponse, StartSyncResponse
from billing.runs.sync_requests import SyncRequestService
from shared.web.openapi import described_router, problem_responses
from shared.web.pagination import PageRequest, encode_cursor
from shared.web.person import Person, Role
from shared.web.responses import json
from shared.web.token_verification import TokenVerifier, require_role


def make_router(
    verifier: TokenVerifier, runs: FinishedRunRepository, sync_requests: SyncRequestService
) -> APIRouter:
    """List runs (viewer), and start a sync (mapper)."""
    router = described_router("runs")
    viewer, mapper = require_role(verifier, Role.VIEWER), require_role(verifier, Role.MAPPER)

    @router.get("/runs", response_model=RunPage)
    async def list_runs(
        query: Annotated[PageRequest, Query()], person: Annotated[Person, Depends(viewer)]
    ) -> Response:
        """Finished runs, newest first; `verdict` is billing's own, once all that was published is stored."""
        page, last = await runs.page(person.tenant_id, after=query.after, limit=query.limit)
        shown = tuple(RunResponse.model_validate(run, from_attributes=True) for run in page)
        return json(RunPage(runs=shown, next=encode_cursor(last) if last else None))

    @router.post("/syncs", status_code=202, responses=problem_responses(_409="No integration is active"))
    async def start_sync(
        wanted: StartSyncRequest, person: Annotated[Person, Depends(mapper)]
    ) -> StartSyncResponse:
        """Sync every active integration; where a full run is going on, the request joins it."""
        sync = await sync_requests.start(person.tenant_id, person.person_id, wanted.kind)
        return StartSyncResponse(sync_id=sync.sync_id, integration_ids=sync.integration_ids)

    return router
