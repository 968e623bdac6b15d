"""The runs that numbers came from, as billing closed them."""

from collections.abc import Sequence
from typing import Annotated, Protocol

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel

from billing.models.runs import Run
from billing.routes.answers import RunShown, json
from billing.routes.asked import After, Limit
from billing.routes.cursors import cursor_of, place_of
from billing.routes.described import a_router
from shared.people import Person, Role, Verifier, allowed


class Runs(Protocol):
    """The runs of a tenant."""

    async def page(
        self, tenant_id: str, *, after: str | None, limit: int
    ) -> tuple[Sequence[Run], str | None]: ...


class RunsPage(BaseModel):
    """Newest first."""

    runs: tuple[RunShown, ...]
    next: str | None


def make_router(verifier: Verifier, runs: Runs) -> APIRouter:
    """`GET /runs`."""
    router = a_router("runs")
    viewer = allowed(verifier, Role.VIEWER)

    @router.get("/runs", response_model=RunsPage)
    async def list_runs(
        person: Annotated[Person, Depends(viewer)], after: After = None, limit: Limit = 100
    ) -> Response:
        """Finished runs, newest first; `verdict` is billing's own, once all that was published is stored."""
        page, more = await runs.page(person.tenant_id, after=place_of(after), limit=limit)
        shown = tuple(RunShown.model_validate(run, from_attributes=True) for run in page)
        return json(RunsPage(runs=shown, next=cursor_of(more)))

    return router
