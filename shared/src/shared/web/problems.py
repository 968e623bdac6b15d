"""Problem documents (RFC 9457): every refusal says what is wrong, with which value, and what to do."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Self

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match, Mount
from starlette.types import Scope

from shared.errors import (
    Conflict,
    CredentialsRejected,
    NotFound,
    PermanentError,
    RuleBroken,
    TransientError,
)
from shared.limits import record_hit
from shared.limits.people import FIELD_ERRORS, FIELD_NAME_CHARACTERS
from shared.plain_text import reason_of
from shared.web.security_events import SecurityEvent, known_person, log_security_event

log = structlog.get_logger()

_MEDIA_TYPE = "application/problem+json"
_STATUS: tuple[tuple[type[Exception], int, str], ...] = (
    (NotFound, 404, "Not found"),
    (Conflict, 409, "Conflict"),
    (RuleBroken, 409, "Not allowed"),
    (CredentialsRejected, 409, "Credentials refused"),
    (PermanentError, 502, "The far side refused"),
    (TransientError, 503, "Try again later"),
)


_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE")
_UNREADABLE = "this cannot be read: send JSON in UTF-8, without deep nesting"


@dataclass(frozen=True, slots=True)
class FieldError:
    """A field of the request that is, or can be, wrong, and why."""

    name: str
    reason: str


class Problem(Exception):
    """A refusal with its status; `more` becomes further members of the document.

    `retry_after` says in how many seconds the same request may succeed, and becomes the header `Retry-After`.
    `closing` ends the connection with the answer: requests that follow on it already are not looked at.
    """

    def __init__(
        self,
        status: int,
        title: str,
        detail: str,
        *,
        fields: Sequence[FieldError] = (),
        retry_after: float | None = None,
        closing: bool = False,
        **more: Any,
    ) -> None:
        super().__init__(detail)
        self.status, self.title, self.detail = status, title, detail
        self.fields, self.retry_after, self.more = tuple(fields), retry_after, more
        self.closing = closing
        self._event: tuple[SecurityEvent, dict[str, str]] | None = None

    def logged_as(self, event: SecurityEvent, **facts: str) -> Self:
        """Makes the refusal a security event, with facts that are no secrets."""
        self._event = event, facts
        return self

    def log_event(self, request: Request) -> None:
        """Logs the security event that the refusal is, if it is one; its handler does so."""
        if self._event:
            event, facts = self._event
            log_security_event(event, request, **facts)


class _ProblemResponse(JSONResponse):
    media_type = _MEDIA_TYPE

    def render(self, content: Any) -> bytes:
        # JSON can spell half of a surrogate pair, which has no UTF-8, also in the name of a wrong field.
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def invalid_request(fields: Sequence[FieldError]) -> Problem:
    """Returns the refusal of a request for its fields; never with their values, which may be secrets."""
    named = [FieldError(_shortened(field.name), field.reason) for field in fields[: FIELD_ERRORS.most]]
    detail = "; ".join(f"{field.name}: {field.reason}" for field in named)
    return Problem(422, "The request is not valid", detail, fields=[*named, *fields[FIELD_ERRORS.most :]])


def install_problem_handlers(app: FastAPI) -> None:
    """Answer every error of the taxonomy, and FastAPI's own, as a problem document."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    for kind, _, _ in _STATUS:
        app.add_exception_handler(kind, _taxonomy)
    app.add_exception_handler(Exception, _bug)


def answer(
    status: int,
    title: str,
    detail: str,
    *,
    fields: Sequence[FieldError] = (),
    headers: dict[str, str] | None = None,
    **more: Any,
) -> JSONResponse:
    """The problem document itself; it names at most `FIELD_ERRORS` fields, and `detail` counts the others."""
    if len(fields) > FIELD_ERRORS.most:
        record_hit(FIELD_ERRORS)
        detail = f"{detail}; and {len(fields) - FIELD_ERRORS.most} more"
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    if fields:
        body["fields"] = [
            {"name": _shortened(field.name), "reason": field.reason} for field in fields[: FIELD_ERRORS.most]
        ]
    return _ProblemResponse(body, status, headers)


async def _problem(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)  # noqa: S101  registered for it alone
    error.log_event(request)
    headers = (_retry_headers(error.retry_after) or {}) | ({"Connection": "close"} if error.closing else {})
    return answer(error.status, error.title, error.detail, fields=error.fields, headers=headers, **error.more)


async def _taxonomy(request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, NotFound) and known_person(request):
        log_security_event(SecurityEvent.ID_UNKNOWN, request)
    status, title = next((status, title) for kind, status, title in _STATUS if isinstance(error, kind))
    return answer(status, title, str(error), headers=_retry_headers(getattr(error, "retry_after", None)))


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    """Names each field and what is wrong with it. The values themselves are left out: they may be secrets."""
    assert isinstance(error, RequestValidationError)  # noqa: S101  registered for it alone
    fields = [FieldError(_field_name(fault), reason_of(fault)) for fault in error.errors()]
    return await _problem(request, invalid_request(fields))


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101  registered for it alone
    if error.status_code == HTTPStatus.BAD_REQUEST and error.__cause__ is not None:
        # FastAPI's own, for a body that fails otherwise than by its syntax: it is invalid all the same.
        return await _problem(request, invalid_request([FieldError("body", _UNREADABLE)]))
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED and (methods := allowed_methods(request.scope)):
        headers["Allow"] = ", ".join(methods)
    return answer(error.status_code, HTTPStatus(error.status_code).phrase, str(error.detail), headers=headers)


async def _bug(request: Request, error: Exception) -> JSONResponse:
    log.error("request_failed", path=request.url.path, exc_info=error)
    return answer(500, "A fault of ours", "Something went wrong here; the log of this service says what.")


def allowed_methods(scope: Scope) -> list[str]:
    """Returns the methods of the path. Starlette names those of its first route alone."""
    routes = [route for route in scope["app"].routes if not isinstance(route, Mount)]
    return [
        method
        for method in _METHODS
        if any(route.matches({**scope, "method": method})[0] is Match.FULL for route in routes)
    ]


def _retry_headers(seconds: float | None) -> dict[str, str] | None:
    """Returns `Retry-After` in whole seconds, of which zero would ask for a storm."""
    return {"Retry-After": str(max(1, round(seconds)))} if seconds else None


def _field_name(fault: Mapping[str, Any]) -> str:
    """Returns `items.0.seal` for `("body", "items", 0, "seal")`, and `body` where all of it is wrong."""
    location = fault["loc"]
    # For a body that is no JSON the second part is a position in it.
    if fault["type"] == "json_invalid" or len(location) == 1:
        return str(location[0])
    return ".".join(str(part) for part in location[1:])


def _shortened(name: str) -> str:
    if len(name) <= FIELD_NAME_CHARACTERS.most:
        return name
    record_hit(FIELD_NAME_CHARACTERS)
    return f"{name[: FIELD_NAME_CHARACTERS.most - 1]}…"
