"""What the description of an API says of every route: who may call it, and how it refuses."""

from collections.abc import Mapping
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
    return {
        int(status.removeprefix("_")): problem_response(description, ProblemDocument)
        for status, description in descriptions.items()
    }


def problem_response(
    description: str, model: type[ProblemDocument], *, example: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Describes a refusal whose problem document has the members of `model`."""
    # Written into each answer, not referred to: FastAPI describes a `model` under application/json only.
    schema = model.model_json_schema()
    content: dict[str, Any] = {"schema": _without_references(schema, schema.pop("$defs", {}))}
    if example:
        content["example"] = example
    return {"description": description, "content": {"application/problem+json": content}}


def _without_references(schema: Any, definitions: Mapping[str, Any]) -> Any:
    """Returns the schema with each definition in the place of its reference; none refers to itself."""
    if isinstance(schema, list):
        return [_without_references(part, definitions) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if ref := schema.get("$ref"):
        schema = definitions[ref.rpartition("/")[2]] | {
            name: part for name, part in schema.items() if name != "$ref"
        }
    return {name: _without_references(part, definitions) for name, part in schema.items()}


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
