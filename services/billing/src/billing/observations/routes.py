"""What was known of a line, and when."""

from collections.abc import Sequence
from typing import Annotated, Protocol

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel

from billing.observations.history import ObservedVersion
from billing.usage.responses import json
from billing.usage.usage_line import UsageLine
from shared.errors import NotFound
from shared.web.openapi import described_router, problem_responses
from shared.web.person import Person, Role
from shared.web.token_verification import TokenVerifier, require_role


class Lines(Protocol):
    """The usage lines of a tenant."""

    async def get(self, tenant_id: str, line_id: str) -> UsageLine | None: ...


class History(Protocol):
    """Every version of what a line rests on."""

    async def of_line(self, line: UsageLine) -> Sequence[ObservedVersion]: ...


class LineHistory(BaseModel):
    """In the order learnt."""

    line_id: str
    versions: tuple[ObservedVersion, ...]


def make_router(verifier: TokenVerifier, lines: Lines, history: History) -> APIRouter:
    """`GET /usage/{line_id}/history`."""
    router = described_router("usage")
    viewer = require_role(verifier, Role.VIEWER)

    @router.get(
        "/usage/{line_id}/history",
        response_model=LineHistory,
        responses=problem_responses(_404="No such line"),
    )
    async def get_history(line_id: str, person: Annotated[Person, Depends(viewer)]) -> Response:
        """Every version of the subscriptions, agreement lines and mappings that the line rests on.

        `true_at` is when it was so, `learnt_at` when it was heard here. Lines that are gone keep theirs.
        """
        line = await lines.get(person.tenant_id, line_id)
        if line is None:
            raise NotFound(f"there is no usage line {line_id}: list usage")
        return json(LineHistory(line_id=line_id, versions=tuple(await history.of_line(line))))

    return router
