"""HTTP in: many decisions of people at once, each named, or all best proposals of a filter."""

from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Discriminator, Tag

from matcher.catalogue.service import CatalogueService
from matcher.mappings.acceptance import AcceptanceService
from matcher.mappings.acceptance_models import CountDiffers
from matcher.mappings.acceptance_requests import AcceptRequest, AcceptSelection
from matcher.mappings.decision_batches import DecisionBatchService
from matcher.mappings.decision_routes import NamedDecisions
from matcher.mappings.requests import ManyDecisionsRequest
from matcher.mappings.responses import (
    AcceptancesResponse,
    AcceptPreviewResponse,
    CountConflict,
    OutcomesResponse,
)
from shared.limits.http import BULK_REQUEST_BODY_BYTES
from shared.limits.people import ACCEPTED_PROPOSALS
from shared.web.fair_share import Caller, authenticated_caller, authenticated_first
from shared.web.openapi import described_router, problem_response
from shared.web.person import Person
from shared.web.problems import Problem
from shared.web.requests import IdempotencyKey

_CONFLICT_EXAMPLE = {
    "type": "about:blank",
    "title": "Conflict",
    "status": 409,
    "detail": "215 proposals can be accepted now, not 214: look at them, and send the new number",
    "expected_count": 214,
    "found_count": 215,
}
_CONFLICT = "The key was used for another request, or there are more or fewer proposals than were expected"


def _form_of(body: object) -> str:
    is_acceptance = isinstance(body, AcceptRequest) or (isinstance(body, dict) and "accept" in body)
    return "acceptance" if is_acceptance else "decisions"


ManyRequest = Annotated[
    Annotated[ManyDecisionsRequest, Tag("decisions")] | Annotated[AcceptRequest, Tag("acceptance")],
    Discriminator(_form_of),
]


def make_batch_router(
    batches: DecisionBatchService,
    acceptances: AcceptanceService,
    catalogue: CatalogueService,
    mapper: Caller,
) -> APIRouter:
    """`mapper` authenticates the caller, who decides for their own tenant only."""
    router, named = described_router("mappings"), NamedDecisions(catalogue)
    router.route_class = authenticated_first(mapper)  # the body may be large

    @router.post(
        "/mappings",
        responses={409: problem_response(_CONFLICT, CountConflict, example=_CONFLICT_EXAMPLE)},
        max_body_size=BULK_REQUEST_BODY_BYTES.most,
    )
    async def decide_many(
        body: ManyRequest,
        person: Annotated[Person, Depends(authenticated_caller)],
        idempotency_key: IdempotencyKey,
    ) -> OutcomesResponse | AcceptancesResponse:
        """Decide on many vendor items: each is done, unchanged, in conflict or refused for itself.

        Either each decision is named, or the best proposals of all undecided items of a filter are accepted,
        of which as many must be found as are expected. A request that was cut off is sent again with the same
        key: it goes on where it was and decides nothing twice.
        """
        if isinstance(body, AcceptRequest):
            return await _accept(acceptances, named, body, person, idempotency_key=idempotency_key)
        outcomes = await batches.decide([item.by(person) for item in body.items], idempotency_key)
        counts = Counter(one.status for one in outcomes)
        return OutcomesResponse(outcomes=tuple(await named.outcomes(person, outcomes)), counts=counts)

    return router


def make_accept_preview_router(acceptances: AcceptanceService, viewer: Caller) -> APIRouter:
    """`viewer` authenticates the caller, who sees their own tenant only."""
    router = described_router("mappings")

    @router.post("/mappings/accept-preview")
    async def preview_acceptance(
        selection: AcceptSelection, person: Annotated[Person, Depends(viewer)]
    ) -> AcceptPreviewResponse:
        """How many proposals `POST /mappings` would accept now, with the same words; nothing is decided."""
        found = await acceptances.acceptable(selection.query(person))
        return AcceptPreviewResponse(
            count=len(found.proposals), shared=found.shared, most=ACCEPTED_PROPOSALS.most
        )

    return router


async def _accept(
    acceptances: AcceptanceService,
    named: NamedDecisions,
    body: AcceptRequest,
    person: Person,
    *,
    idempotency_key: str,
) -> AcceptancesResponse:
    query = body.accept.query(person)
    try:
        made = await acceptances.accept(
            query, person.person_id, expected_count=body.expected_count, idempotency_key=idempotency_key
        )
    except CountDiffers as differs:
        raise Problem(
            409,
            "Conflict",
            str(differs),
            expected_count=differs.expected,
            found_count=differs.found,
        ) from differs
    outcomes = [outcome for _, outcome in made]
    shown = await named.outcomes(person, outcomes)
    return AcceptancesResponse.of([decision for decision, _ in made], shown)
