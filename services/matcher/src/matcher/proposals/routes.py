"""HTTP in: what is proposed for a vendor item, and what a person refuses of it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from matcher.catalogue.requests import VendorItemPath
from matcher.proposals.requests import PROPOSALS_PATH, RefusalRequest
from matcher.proposals.responses import ProposalsResponse
from matcher.proposals.service import ProposalService, RefusedItem
from shared.web.fair_share import Caller
from shared.web.openapi import described_router, problem_responses
from shared.web.person import Person
from shared.web.requests import Id


def make_proposal_router(service: ProposalService, viewer: Caller) -> APIRouter:
    """`viewer` authenticates the caller, who sees their own tenant only."""
    router = described_router("proposals")

    @router.get(PROPOSALS_PATH, responses=problem_responses(_404="No such vendor item or integration"))
    async def list_proposals(
        path: Annotated[VendorItemPath, Depends()], person: Annotated[Person, Depends(viewer)]
    ) -> ProposalsResponse:
        """Which PSA items an undecided vendor item may be, how likely each is, and why.

        None once it is decided on. Computed in the background: news shows after some seconds.
        """
        return ProposalsResponse.of(await service.proposals(path.ref(person)))

    return router


def make_refusal_router(service: ProposalService, mapper: Caller) -> APIRouter:
    """`mapper` authenticates the caller, who refuses for their own tenant only."""
    router = described_router("proposals")

    @router.post(
        PROPOSALS_PATH + "/refusals",
        responses=problem_responses(_404="No such vendor item, integration or PSA item"),
    )
    async def refuse(
        path: Annotated[VendorItemPath, Depends()],
        refused: RefusalRequest,
        person: Annotated[Person, Depends(mapper)],
    ) -> ProposalsResponse:
        """Say that a vendor item is not this PSA item: it is not proposed again. The same again is harmless.

        The probabilities of the others stay as they are. It can still be mapped by hand.
        """
        return ProposalsResponse.of(await service.refuse(path.ref(person), refused.by(person)))

    @router.delete(
        PROPOSALS_PATH + "/refusals/{psa_integration_id}/{psa_id}",
        responses=problem_responses(_404="No such vendor item or integration"),
    )
    async def withdraw_refusal(
        path: Annotated[VendorItemPath, Depends()],
        psa_integration_id: Annotated[Id, Path()],
        psa_id: Annotated[Id, Path()],
        person: Annotated[Person, Depends(mapper)],
    ) -> ProposalsResponse:
        """Take a refusal back: the PSA item may be proposed again, some seconds later."""
        refused = RefusedItem(psa_integration_id, psa_id, person.person_id)
        return ProposalsResponse.of(await service.withdraw(path.ref(person), refused))

    return router
