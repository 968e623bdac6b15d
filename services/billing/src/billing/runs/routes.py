"""The runs that numbers came from, as billing closed them."""

from collections.abc import Sequence
from typing import Annotated, Protocol

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel

from billing.runs.models import FinishedRun
from billing.usage.cursors import cursor_of, sort_key_of
from billing.usage.requests import After, Limit
from billing.usage.responses import RunResponse, json
from shared.web.openapi import described_router
from shared.web.person import Person, Role
from shared.web.token_verification import TokenVerifier, require_role


class Runs(Protocol):
    """The runs of a tenant."""

    async def page(
        self, tenant_id: str, *, after: str | None, limit: int
    ) -> tuple[Sequence[FinishedRun], str | None]: ...


class RunsPage(BaseModel):
    """Newest first."""

    runs: tuple[RunResponse, ...]
    next: str | None


def make_router(verifier: TokenVerifier, runs: Runs) -> APIRouter:
    """`GET /runs`."""
    router = described_router("runs")
    viewer = require_role(verifier, Role.VIEWER)

    @router.get("/runs", response_model=RunsPage)
    async def list_runs(
        person: Annotated[Person, Depends(viewer)], after: After = None, limit: Limit = 100
    ) -> Response:
        """Finished runs, newest first; `verdict` is billing's own, once all that was published is stored."""
        page, more = await runs.page(person.tenant_id, after=sort_key_of(after), limit=limit)
        shown = tuple(RunResponse.model_validate(run, from_attributes=True) for run in page)
        return json(RunsPage(runs=shown, next=cursor_of(more)))

    return router
