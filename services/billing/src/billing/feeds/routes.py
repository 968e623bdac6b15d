"""Runs that were not believed: list them, release one, reject one."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response

from billing.feeds.models import HeldRun, HoldState, RunRef
from billing.feeds.repository import FeedRepository
from billing.feeds.requests import ResolutionRequest
from billing.feeds.responses import HeldRunPage
from billing.feeds.service import FeedBreaker
from shared.web.fair_share import Caller
from shared.web.openapi import described_router, problem_responses
from shared.web.person import Person, Role
from shared.web.requests import Id
from shared.web.responses import json
from shared.web.token_verification import TokenVerifier, require_role

_RESOLUTIONS = {
    HoldState.RELEASED: ("release", "Let the run's numbers count."),
    HoldState.REJECTED: (
        "reject",
        "Let the accounts of the run fall back to what was read before, until the next run.",
    ),
}
_RESOLVED = problem_responses(_404="No such run was held", _409="The hold has ended already")


def make_router(verifier: TokenVerifier, breaker: FeedBreaker, feeds: FeedRepository) -> APIRouter:
    """List held runs (viewer), release or reject one (approver)."""
    router = described_router("held runs")
    viewer, approver = require_role(verifier, Role.VIEWER), require_role(verifier, Role.APPROVER)

    @router.get("/held-runs", response_model=HeldRunPage)
    async def list_held_runs(person: Annotated[Person, Depends(viewer)]) -> Response:
        """The runs that were held, the newest first; nothing that a held run says counts."""
        return json(HeldRunPage(runs=tuple(await feeds.holds(person.tenant_id))))

    _add_resolution(router, HoldState.RELEASED, breaker, approver)
    _add_resolution(router, HoldState.REJECTED, breaker, approver)
    return router


def _add_resolution(router: APIRouter, state: HoldState, breaker: FeedBreaker, approver: Caller) -> None:
    verb, effect = _RESOLUTIONS[state]

    @router.post(
        f"/held-runs/{{integration_id}}/{{run_id}}/{verb}",
        response_model=HeldRun,
        responses=_RESOLVED,
        name=verb,
        description=effect,
    )
    async def resolve(
        integration_id: Annotated[Id, Path()],
        run_id: Annotated[Id, Path()],
        resolution: ResolutionRequest,
        person: Annotated[Person, Depends(approver)],
    ) -> Response:
        run, by = RunRef(integration_id, run_id), person.person_id
        return json(await breaker.resolve(person.tenant_id, run, state, by=by, reason=resolution.reason))
