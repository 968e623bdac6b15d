"""What the API's description says of every route: it takes a bearer token and refuses with a problem."""

from typing import Any

from fastapi import APIRouter, Security
from fastapi.security import HTTPBearer
from pydantic import BaseModel

Responses = dict[int | str, dict[str, Any]]


class ProblemDocument(BaseModel):
    """A problem document (RFC 9457): `detail` says what is wrong and what to do."""

    type: str
    title: str
    status: int
    detail: str
    fields: tuple[dict[str, str], ...] = ()
    """Each with `name` and `reason`."""


def problem_responses(**whys: str) -> Responses:
    """Descriptions by status, as in `problem_responses(_404="No such line")`."""
    return {
        int(status.removeprefix("_")): {
            "description": why,
            "content": {"application/problem+json": {"schema": ProblemDocument.model_json_schema()}},
        }
        for status, why in whys.items()
    }


def described_router(tag: str) -> APIRouter:
    """The token is only described here; `shared.web.token_verification.allowed` is what checks it."""
    return APIRouter(
        tags=[tag],
        dependencies=[Security(HTTPBearer(auto_error=False, description="From POST /sessions of auth."))],
        responses=problem_responses(
            _401="Not signed in",
            _403="The role does not allow it",
            _422="A field is wrong; `fields` names it",
        ),
    )
