"""Usage lines: both counts side by side, what they say, and everything they rest on."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Protocol

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel

from billing.usage.cursors import cursor_of, sort_key_of
from billing.usage.requests import After, Limit
from billing.usage.responses import UsageLineResponse, json
from billing.usage.usage_line import UsageLine
from shared.contracts.billing import LineClass
from shared.errors import NotFound
from shared.web.openapi import described_router, problem_responses
from shared.web.person import Person, Role
from shared.web.token_verification import TokenVerifier, require_role


class Lines(Protocol):
    """The usage lines of a tenant."""

    async def page(
        self,
        tenant_id: str,
        *,
        line_class: LineClass | None,
        search: str | None,
        after: str | None,
        limit: int,
    ) -> tuple[Sequence[UsageLine], str | None]: ...

    async def get(self, tenant_id: str, line_id: str) -> UsageLine | None: ...


class Approvals(Protocol):
    """What is being written now."""

    async def in_flight(self, tenant_id: str, lines: Sequence[UsageLine]) -> Mapping[str, str]:
        """Approval ids by line id."""


class LinesPage(BaseModel):
    """Ordered by account, then product."""

    lines: tuple[UsageLineResponse, ...]
    next: str | None


Search = Annotated[
    str | None, Query(max_length=200, description="Part of the name of an account, service or product.")
]
Class = Annotated[LineClass | None, Query(description="Only lines of this class.")]


def make_router(verifier: TokenVerifier, lines: Lines, approvals: Approvals) -> APIRouter:
    """Listing usage lines, and reading one."""
    router = described_router("usage")
    viewer = require_role(verifier, Role.VIEWER)

    @router.get("/usage", response_model=LinesPage)
    async def list_usage(
        *,
        person: Annotated[Person, Depends(viewer)],
        line_class: Class = None,
        search: Search = None,
        after: After = None,
        limit: Limit = 100,
    ) -> Response:
        """Usage lines. No number is not zero: where a count has no `number`, `missing` says why."""
        page, more = await lines.page(
            person.tenant_id, line_class=line_class, search=search, after=sort_key_of(after), limit=limit
        )
        writing = await approvals.in_flight(person.tenant_id, page)
        shown = tuple(UsageLineResponse.of(line, writing.get(line.line_id)) for line in page)
        return json(LinesPage(lines=shown, next=cursor_of(more)))

    @router.get(
        "/usage/{line_id}", response_model=UsageLineResponse, responses=problem_responses(_404="No such line")
    )
    async def get_usage_line(line_id: str, person: Annotated[Person, Depends(viewer)]) -> Response:
        """One usage line, and the approval that is being written to it."""
        line = await lines.get(person.tenant_id, line_id)
        if line is None or not line.present:
            raise NotFound(f"there is no usage line {line_id}: list usage")
        writing = await approvals.in_flight(person.tenant_id, [line])
        return json(UsageLineResponse.of(line, writing.get(line_id)))

    return router
