"""Usage lines: both counts side by side, what they say, and everything they rest on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response

from billing.usage.ports import ArrivingReadings, LineApprovals
from billing.usage.repository import UsageLineRepository
from billing.usage.requests import UsageRequest
from billing.usage.responses import UsageLineResponse, UsagePage
from billing.usage.usage_line import UsageLine
from shared.errors import NotFound
from shared.web.openapi import described_router, problem_responses
from shared.web.pagination import encode_cursor
from shared.web.person import Person, Role
from shared.web.requests import Id
from shared.web.responses import json
from shared.web.token_verification import TokenVerifier, require_role


@dataclass(frozen=True, slots=True)
class _Shown:
    """Shows lines with what else is known of them at this moment."""

    approvals: LineApprovals
    arriving: ArrivingReadings

    async def of(self, tenant_id: str, lines: Sequence[UsageLine]) -> tuple[UsageLineResponse, ...]:
        in_flight = await self.approvals.in_flight(tenant_id, lines)
        being_read = await self.arriving.being_read(tenant_id, lines)
        collisions = await self.approvals.collisions(tenant_id, lines)
        return tuple(
            UsageLineResponse.of(
                line,
                in_flight.get(line.line_id),
                being_read=line.line_id in being_read,
                collision=collisions.get(line.line_id),
            )
            for line in lines
        )


def make_router(
    verifier: TokenVerifier,
    lines: UsageLineRepository,
    approvals: LineApprovals,
    arriving: ArrivingReadings,
) -> APIRouter:
    """List usage lines, and read one (viewer)."""
    router, shown = described_router("usage"), _Shown(approvals, arriving)
    viewer = require_role(verifier, Role.VIEWER)

    @router.get("/usage", response_model=UsagePage)
    async def list_usage(
        query: Annotated[UsageRequest, Query()], person: Annotated[Person, Depends(viewer)]
    ) -> Response:
        """Usage lines. No number is not zero: where a count has no `number`, `missing` says why."""
        page, last = await lines.page(
            person.tenant_id,
            line_class=query.line_class,
            search=query.search,
            after=query.after,
            limit=query.limit,
        )
        responses = await shown.of(person.tenant_id, page)
        return json(UsagePage(lines=responses, next=encode_cursor(last) if last else None))

    @router.get(
        "/usage/{line_id}", response_model=UsageLineResponse, responses=problem_responses(_404="No such line")
    )
    async def get_usage_line(
        line_id: Annotated[Id, Path()], person: Annotated[Person, Depends(viewer)]
    ) -> Response:
        """One usage line, and the approval that is being written to it."""
        line = await lines.get(person.tenant_id, line_id)
        if line is None or not line.present:
            raise NotFound(f"there is no usage line {line_id}: list usage")
        (response,) = await shown.of(person.tenant_id, [line])
        return json(response)

    return router
