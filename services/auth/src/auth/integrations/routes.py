"""Connecting providers."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Request
from pydantic import ValidationError

from auth.credentials.connections import CONNECTIONS, Connection
from auth.integrations.service import IntegrationService
from shared.web.person import Person
from shared.web.problems import FieldError, Problem

Caller = Callable[[Request], Awaitable[Person]]

_REASONS = {"missing": "this is needed", "extra_forbidden": "there is no such field"}


def integration_routes(connecting: IntegrationService, *, viewer: Caller, admin: Caller) -> APIRouter:
    """Connect, list, look at, disconnect."""
    router = APIRouter(prefix="/integrations")

    @router.post("", status_code=201)
    async def connect(
        body: Annotated[dict[str, Any], Body()], person: Annotated[Person, Depends(admin)]
    ) -> dict[str, Any]:
        return (await connecting.connect(person.tenant_id, read_connection(body))).view()

    @router.get("")
    async def every(person: Annotated[Person, Depends(viewer)]) -> dict[str, Any]:
        return {"integrations": [one.view() for one in await connecting.every(person.tenant_id)]}

    @router.get("/{integration_id}")
    async def one(integration_id: str, person: Annotated[Person, Depends(viewer)]) -> dict[str, Any]:
        return (await connecting.get(person.tenant_id, integration_id)).view()

    @router.delete("/{integration_id}")
    async def disconnect(integration_id: str, person: Annotated[Person, Depends(admin)]) -> dict[str, Any]:
        return (await connecting.disconnect(person.tenant_id, integration_id)).view()

    return router


def read_connection(body: dict[str, Any]) -> Connection:
    """Raises a 422 Problem that names the fields and never repeats what was typed in them."""
    kind = CONNECTIONS.get(str(body.get("provider")))
    if kind is None:
        known = " or ".join(CONNECTIONS)
        raise _invalid([FieldError("provider", f"this is {known}")])
    try:
        return kind.model_validate(body)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
    raise _invalid(
        [FieldError(_name(fault["loc"]), _reason(fault["type"], fault["msg"])) for fault in faults]
    )


def _name(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location)


def _reason(kind: str, message: str) -> str:
    return _REASONS.get(kind, message.removeprefix("Value error, "))


def _invalid(fields: list[FieldError]) -> Problem:
    detail = "; ".join(f"{field.name}: {field.reason}" for field in fields)
    return Problem(422, "The request is not valid", detail, fields=fields)
