"""Deciding on usage lines, and what became of each decision."""

from collections.abc import Sequence
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel

from billing.approvals.eligibility import Choice, RejectionReason
from billing.approvals.models import Approval, ApprovalState
from billing.approvals.service import ApprovalRequest, ApprovalService, ChoiceResult
from billing.usage.cursors import cursor_of, sort_key_of
from billing.usage.requests import After, DecisionRequest, IdempotencyKey, Limit, LineDecisionsRequest
from billing.usage.responses import UsageLineResponse, json
from shared.errors import NotFound
from shared.web.openapi import described_router, problem_responses
from shared.web.person import Person, Role
from shared.web.problems import Problem
from shared.web.token_verification import TokenVerifier, require_role


class Approvals(Protocol):
    """The approvals of a tenant."""

    async def get(self, tenant_id: str, approval_id: str) -> Approval | None: ...

    async def page(
        self, tenant_id: str, *, state: ApprovalState | None, after: str | None, limit: int
    ) -> tuple[Sequence[Approval], str | None]: ...


class ApprovalsPage(BaseModel):
    """Newest first."""

    approvals: tuple[Approval, ...]
    next: str | None


class DecisionResult(BaseModel):
    """What became of one line of many; `reason` and `detail` only of those that are refused."""

    line_id: str
    status: str
    approval_id: str | None = None
    reason: RejectionReason | None = None
    detail: str | None = None


class DecisionResults(BaseModel):
    """In the order asked."""

    results: tuple[DecisionResult, ...]


def make_router(verifier: TokenVerifier, approving: ApprovalService, approvals: Approvals) -> APIRouter:
    """Approving one line or many, and reading approvals."""
    router = described_router("approvals")
    _deciding(router, verifier, approving)
    _reading(router, verifier, approvals)
    return router


def _deciding(router: APIRouter, verifier: TokenVerifier, approving: ApprovalService) -> None:
    approver = require_role(verifier, Role.APPROVER)

    @router.post(
        "/usage/{line_id}/approvals",
        status_code=201,
        response_model=Approval,
        responses={
            200: {"model": Approval, "description": "Decided before, under the same key"},
            **problem_responses(
                _404="No such line", _409="It cannot be approved so; `line` is the line as it is now"
            ),
        },
    )
    async def approve(
        line_id: str,
        decided: DecisionRequest,
        idempotency_key: IdempotencyKey,
        person: Annotated[Person, Depends(approver)],
    ) -> Response:
        """Approve one line; its quantity is then written to the PSA and read back."""
        order = _order(person, idempotency_key, [Choice(line_id, decided.seal, decided.quantity)])
        (result,) = await approving.approve(order)
        if result.approval is None:
            raise _refused(result)
        return json(result.approval, status=200 if result.replayed else 201)

    @router.post(
        "/approvals",
        response_model=DecisionResults,
        responses=problem_responses(_409="The key was used for another request"),
    )
    async def approve_many(
        decided: LineDecisionsRequest,
        idempotency_key: IdempotencyKey,
        person: Annotated[Person, Depends(approver)],
    ) -> Response:
        """Approve many lines, each on its own; after a failure send the same again and it goes on."""
        order = _order(person, idempotency_key, [item.choice() for item in decided.items])
        results = await approving.approve(order)
        return json(DecisionResults(results=tuple(_reported(result) for result in results)))


def _reading(router: APIRouter, verifier: TokenVerifier, approvals: Approvals) -> None:
    viewer = require_role(verifier, Role.VIEWER)

    @router.get("/approvals", response_model=ApprovalsPage)
    async def list_approvals(
        person: Annotated[Person, Depends(viewer)],
        state: Annotated[ApprovalState | None, Query()] = None,
        after: After = None,
        limit: Limit = 100,
    ) -> Response:
        """Approvals, newest first."""
        page, more = await approvals.page(
            person.tenant_id, state=state, after=sort_key_of(after), limit=limit
        )
        return json(ApprovalsPage(approvals=tuple(page), next=cursor_of(more)))

    @router.get(
        "/approvals/{approval_id}",
        response_model=Approval,
        responses=problem_responses(_404="No such approval"),
    )
    async def get_approval(approval_id: str, person: Annotated[Person, Depends(viewer)]) -> Response:
        """One approval and what became of it."""
        approval = await approvals.get(person.tenant_id, approval_id)
        if approval is None:
            raise NotFound(f"there is no approval {approval_id}: list approvals")
        return json(approval)


def _order(person: Person, idempotency_key: str, choices: Sequence[Choice]) -> ApprovalRequest:
    return ApprovalRequest(person.tenant_id, person.person_id, idempotency_key, tuple(choices))


def _refused(result: ChoiceResult) -> Problem:
    assert result.objected  # noqa: S101  a result without an approval has an objection
    why = result.objected.why
    more: dict[str, Any] = (
        {"line": UsageLineResponse.of(result.line).model_dump(mode="json")} if result.line else {}
    )
    status, title = (404, "Not found") if why is RejectionReason.UNKNOWN_LINE else (409, "Not approved")
    return Problem(status, title, result.objected.sentence, reason=why.value, **more)


def _reported(result: ChoiceResult) -> DecisionResult:
    if result.approval:
        return DecisionResult(
            line_id=result.line_id, status="approved", approval_id=result.approval.approval_id
        )
    assert result.objected  # noqa: S101  a result without an approval has an objection
    return DecisionResult(
        line_id=result.line_id, status="refused", reason=result.objected.why, detail=result.objected.sentence
    )
