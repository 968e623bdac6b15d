"""Decisions on usage lines, and what became of each."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response

from billing.approvals.batch import ApprovalRequest, RejectedLine
from billing.approvals.eligibility import RejectionReason
from billing.approvals.models import Approval
from billing.approvals.repository import ApprovalRepository
from billing.approvals.requests import ApprovalPageRequest, BulkDecisionRequest, DecisionRequest
from billing.approvals.responses import ApprovalPage, BulkDecisionResponse, DecisionResponse
from billing.approvals.service import ApprovalService
from billing.usage.responses import UsageLineResponse
from shared.errors import NotFound
from shared.limits.http import BULK_REQUEST_BODY_BYTES
from shared.web.fair_share import Caller, authenticated_caller, authenticated_first
from shared.web.openapi import Responses, described_router, problem_responses
from shared.web.pagination import encode_cursor
from shared.web.person import Person, Role
from shared.web.problems import Problem
from shared.web.requests import Id, IdempotencyKey
from shared.web.responses import json
from shared.web.token_verification import TokenVerifier, require_role

_ONE_DECISION: Responses = {
    200: {"model": Approval, "description": "Decided before, under the same key"},
    **problem_responses(
        _404="No such line", _409="It cannot be approved so; `line` is the line as it is now"
    ),
}
_MANY_DECISIONS: Responses = problem_responses(_409="The key was used for another request")


def make_router(
    verifier: TokenVerifier, service: ApprovalService, approvals: ApprovalRepository
) -> APIRouter:
    """Approve one line or many (approver), and read approvals (viewer)."""
    router, approver = described_router("approvals"), require_role(verifier, Role.APPROVER)
    bulk_router = APIRouter(route_class=authenticated_first(approver))
    _add_decision(router, approver, service)
    _add_bulk_decision(bulk_router, service)
    router.include_router(bulk_router)
    _add_reads(router, require_role(verifier, Role.VIEWER), approvals)
    return router


def _add_decision(router: APIRouter, approver: Caller, service: ApprovalService) -> None:
    @router.post(
        "/usage/{line_id}/approvals", status_code=201, response_model=Approval, responses=_ONE_DECISION
    )
    async def approve(
        line_id: Annotated[Id, Path()],
        decision: DecisionRequest,
        idempotency_key: IdempotencyKey,
        person: Annotated[Person, Depends(approver)],
    ) -> Response:
        """Approve one line; its quantity is then written to the PSA and read back."""
        decisions = (decision.on(line_id),)
        (result,) = await service.approve(
            ApprovalRequest(person.tenant_id, person.person_id, idempotency_key, decisions)
        )
        if isinstance(result, RejectedLine):
            raise _problem(result)
        return json(result.approval, status=200 if result.replayed else 201)


def _add_bulk_decision(router: APIRouter, service: ApprovalService) -> None:
    @router.post(
        "/approvals",
        response_model=BulkDecisionResponse,
        responses=_MANY_DECISIONS,
        max_body_size=BULK_REQUEST_BODY_BYTES.most,
    )
    async def approve_many(
        bulk: BulkDecisionRequest,
        idempotency_key: IdempotencyKey,
        person: Annotated[Person, Depends(authenticated_caller)],
    ) -> Response:
        """Approve many lines, each on its own; after a failure send the same again and it goes on."""
        results = await service.approve(
            ApprovalRequest(person.tenant_id, person.person_id, idempotency_key, bulk.decisions())
        )
        return json(BulkDecisionResponse(results=tuple(DecisionResponse.of(result) for result in results)))


def _add_reads(router: APIRouter, viewer: Caller, approvals: ApprovalRepository) -> None:
    @router.get("/approvals", response_model=ApprovalPage)
    async def list_approvals(
        query: Annotated[ApprovalPageRequest, Query()], person: Annotated[Person, Depends(viewer)]
    ) -> Response:
        """Approvals, newest first."""
        page, last = await approvals.page(
            person.tenant_id, state=query.state, after=query.after, limit=query.limit
        )
        return json(ApprovalPage(approvals=tuple(page), next=encode_cursor(last) if last else None))

    @router.get(
        "/approvals/{approval_id}",
        response_model=Approval,
        responses=problem_responses(_404="No such approval"),
    )
    async def get_approval(
        approval_id: Annotated[Id, Path()], person: Annotated[Person, Depends(viewer)]
    ) -> Response:
        """One approval and what became of it."""
        approval = await approvals.get(person.tenant_id, approval_id)
        if approval is None:
            raise NotFound(f"there is no approval {approval_id}: list approvals")
        return json(approval)


def _problem(result: RejectedLine) -> Problem:
    """Returns the refusal of one decision, with the line as it is now so that nobody need ask for it."""
    rejection = result.rejection
    unknown = rejection.reason is RejectionReason.UNKNOWN_LINE
    status, title = (404, "Not found") if unknown else (409, "Not approved")
    line: dict[str, Any] = (
        {"line": UsageLineResponse.of(result.line).model_dump(mode="json")} if result.line else {}
    )
    return Problem(status, title, rejection.detail, reason=rejection.reason.value, **line)
