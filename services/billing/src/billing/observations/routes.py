"""What was known of a usage line, and when."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response
from pydantic import BaseModel

from billing.observations.history import HistoryRepository, ObservedVersion
from billing.usage.repository import UsageLineRepository
from shared.errors import NotFound
from shared.web.openapi import described_router, problem_responses
from shared.web.person import Person, Role
from shared.web.requests import Id
from shared.web.responses import json
from shared.web.token_verification import TokenVerifier, require_role


class LineHistory(BaseModel):
    """Versions in the order in which billing learnt of them."""

    line_id: str
    versions: tuple[ObservedVersion, ...]


def make_router(verifier: TokenVerifier, lines: UsageLineRepository, history: HistoryRepository) -> APIRouter:
    """`GET /usage/{line_id}/history` (viewer)."""
    router = described_router("usage")
    viewer = require_role(verifier, Role.VIEWER)

    @router.get(
        "/usage/{line_id}/history",
        response_model=LineHistory,
        responses=problem_responses(_404="No such line"),
    )
    async def get_history(
        line_id: Annotated[Id, Path()], person: Annotated[Person, Depends(viewer)]
    ) -> Response:
        """Every version of the subscriptions, agreement lines and mappings that the line rests on.

        `true_at` is when it was so, `learnt_at` when it was heard here. Lines that are gone keep theirs.
        """
        line = await lines.get(person.tenant_id, line_id)
        if line is None:
            raise NotFound(f"there is no usage line {line_id}: list usage")
        return json(LineHistory(line_id=line_id, versions=tuple(await history.of_line(line))))

    return router
