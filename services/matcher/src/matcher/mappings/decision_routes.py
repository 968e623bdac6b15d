"""HTTP in: decisions of people on vendor items: map, exclude, revoke and undo, one by one or many at once."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends

from matcher.catalogue.requests import VendorItemPath
from matcher.catalogue.service import CatalogueService
from matcher.mappings.models import DecisionOutcome, DecisionRefused, ItemDecision, Revoke, Undo
from matcher.mappings.requests import (
    ITEM_ACTION_PATH,
    ITEM_PATH,
    DecisionHeaders,
    ExcludeRequest,
    MapRequest,
    UndoRequest,
)
from matcher.mappings.responses import (
    MAPPING_EXAMPLE,
    DecisionConflict,
    MappingVersionResponse,
    OutcomeResponse,
)
from matcher.mappings.service import MappingService
from shared.contracts.matcher import MappingDecided
from shared.web.fair_share import Caller
from shared.web.openapi import Responses, described_router, problem_response, problem_responses
from shared.web.person import Person
from shared.web.problems import Problem
from shared.web.requests import OptionalIdempotencyKey

_UNDECIDED = "No such vendor item or integration, or nothing decided on it"
_CONFLICT_EXAMPLE = {
    "type": "about:blank",
    "title": "Conflict",
    "status": 409,
    "detail": "vendor account 1000027 (Contoso) was decided on meanwhile: mapped to 19297 by per_maria at"
    " 2026-11-30T08:15:30+00:00; look at it and decide anew, on revision 1796026530000000",
    "refusal": "decided-meanwhile",
    "mapping": MAPPING_EXAMPLE,
}


def _refusals(not_found: str, conflict: str) -> Responses:
    response = problem_response(conflict, DecisionConflict, example=_CONFLICT_EXAMPLE)
    return problem_responses(_404=not_found) | {409: response}


class NamedDecisions:
    """Answers with decisions, refused ones as well, under the present names of their ends."""

    def __init__(self, catalogue: CatalogueService) -> None:
        self._catalogue = catalogue

    async def response(self, mapping: MappingDecided) -> MappingVersionResponse:
        (named,) = await self._catalogue.with_names(mapping.tenant_id, [mapping])
        return MappingVersionResponse.of(named)

    async def decide(
        self, service: MappingService, decision: ItemDecision, key: str | None
    ) -> MappingVersionResponse:
        """Raises a problem document with the mapping as it is for a decision that is refused."""
        try:
            return await self.response(await service.decide(decision, key))
        except DecisionRefused as refused:
            mapping = await self.response(refused.existing) if refused.existing else None
            raise Problem(
                409,
                "Conflict",
                str(refused),
                refusal=refused.refusal.value,
                mapping=mapping.model_dump(mode="json") if mapping else None,
            ) from refused

    async def outcomes(self, person: Person, outcomes: Sequence[DecisionOutcome]) -> list[OutcomeResponse]:
        mappings = [outcome.mapping for outcome in outcomes if outcome.mapping]
        named = iter(await self._catalogue.with_names(person.tenant_id, mappings))
        return [OutcomeResponse.of(one, next(named) if one.mapping else None) for one in outcomes]


def make_decision_router(service: MappingService, catalogue: CatalogueService, mapper: Caller) -> APIRouter:
    """`mapper` authenticates the caller, who decides for their own tenant only."""
    router, named = described_router("mappings"), NamedDecisions(catalogue)

    @router.put(
        ITEM_PATH,
        responses=_refusals(
            "No such vendor item, integration or PSA item",
            "Decided on meanwhile, the PSA is disconnected, an item inactive or gone, or the key was used for"
            " another request",
        ),
    )
    async def decide(
        path: Annotated[VendorItemPath, Depends()],
        decision: MapRequest | ExcludeRequest,
        person: Annotated[Person, Depends(mapper)],
        headers: Annotated[DecisionHeaders, Depends()],
    ) -> MappingVersionResponse:
        """Map a vendor item to a PSA item, or exclude it with a reason. The same again changes nothing."""
        made = ItemDecision(path.ref(person), decision.choice(), person.person_id, headers.seen)
        return await named.decide(service, made, headers.idempotency_key)

    @router.delete(
        ITEM_PATH,
        responses=_refusals(_UNDECIDED, "Decided on meanwhile, or the key was used for another request"),
    )
    async def revoke(
        path: Annotated[VendorItemPath, Depends()],
        person: Annotated[Person, Depends(mapper)],
        headers: Annotated[DecisionHeaders, Depends()],
    ) -> MappingVersionResponse:
        """Leave a vendor item undecided. The same again changes nothing.

        It is not mapped by itself again until the revocation is undone.
        """
        made = ItemDecision(path.ref(person), Revoke(), person.person_id, headers.seen)
        return await named.decide(service, made, headers.idempotency_key)

    return router


def make_undo_router(service: MappingService, catalogue: CatalogueService, mapper: Caller) -> APIRouter:
    """`mapper` authenticates the caller, who decides for their own tenant only."""
    router, named = described_router("mappings"), NamedDecisions(catalogue)

    @router.post(
        ITEM_ACTION_PATH + "/undo",
        responses=_refusals(
            _UNDECIDED,
            "Decided on meanwhile, what would come back is inactive, gone or was not kept, or the key was"
            " used for another request",
        ),
    )
    async def undo(
        path: Annotated[VendorItemPath, Depends()],
        body: UndoRequest,
        person: Annotated[Person, Depends(mapper)],
        idempotency_key: OptionalIdempotencyKey = None,
    ) -> MappingVersionResponse:
        """Take the decision that stands back: what it replaced comes back, as a new decision.

        Undone once more, it stands again. A mapping that came about by itself is revoked, and the item is not
        mapped by itself again until that is undone.
        """
        made = ItemDecision(path.ref(person), Undo(), person.person_id, body.revision)
        return await named.decide(service, made, idempotency_key)

    return router
