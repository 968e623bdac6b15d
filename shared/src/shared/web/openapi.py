"""What the description of an API says of every route: who may call it, and how it refuses."""

from typing import Any

from fastapi import APIRouter, Security
from fastapi.security import HTTPBearer
from pydantic import BaseModel

Responses = dict[int | str, dict[str, Any]]
"""Descriptions of answers by status, as FastAPI takes them."""


class ProblemDocument(BaseModel):
    """A problem document (RFC 9457) as `shared.web.problems` writes it; `detail` says what to do."""

    type: str
    title: str
    status: int
    detail: str
    fields: tuple[dict[str, str], ...] = ()
    """Each with `name` and `reason`."""


def problem_responses(**descriptions: str) -> Responses:
    """Describes refusals with a problem document, as in `problem_responses(_404="No such line")`.

    A keyword is the status behind an underscore, for a name cannot begin with a digit.
    """
    # Written into each answer, not referred to: FastAPI describes a `model` under application/json only.
    schema = ProblemDocument.model_json_schema()
    return {
        int(status.removeprefix("_")): {
            "description": description,
            "content": {"application/problem+json": {"schema": schema}},
        }
        for status, description in descriptions.items()
    }


def described_router(tag: str) -> APIRouter:
    """Returns a router whose routes take a bearer token and say how they refuse.

    The token is only described here. Each route checks it with `shared.web.token_verification.require_role`.
    """
    return APIRouter(
        tags=[tag],
        dependencies=[Security(HTTPBearer(auto_error=False, description="From POST /sessions of auth."))],
        responses=problem_responses(
            _401="Not signed in",
            _403="The role does not allow it",
            _413="The body is too large",
            _422="A field is wrong; `fields` names it",
            _429="Too many requests of the person or tenant at once: try again after `Retry-After` seconds",
        ),
    )
