"""What proposed rules would change, over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from billing.reconciliation.requests import RulesPreviewRequest
from billing.reconciliation.responses import RulesPreviewResponse
from billing.reconciliation.rules_preview import RulesPreviewer
from shared.web.openapi import described_router, problem_responses
from shared.web.person import Person, Role
from shared.web.responses import json
from shared.web.token_verification import TokenVerifier, require_role


def make_router(verifier: TokenVerifier, previewer: RulesPreviewer) -> APIRouter:
    """Preview rules (mapper)."""
    router, mapper = described_router("rules"), require_role(verifier, Role.MAPPER)

    @router.post(
        "/rules/preview",
        response_model=RulesPreviewResponse,
        responses=problem_responses(_404="No such service, product or integration"),
    )
    async def preview_rules(
        wanted: RulesPreviewRequest, person: Annotated[Person, Depends(mapper)]
    ) -> Response:
        """The lines and the money that rules of a mapped service would change; nothing is decided."""
        preview = await previewer.preview(wanted.proposed_by(person), shown=wanted.limit)
        return json(RulesPreviewResponse.of(preview))

    return router
