"""Problem documents (RFC 9457): every refusal says what is wrong, with which value, and what to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from shared.errors import (
    Conflict,
    CredentialsRejected,
    NotFound,
    PermanentError,
    RuleBroken,
    TransientError,
)

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


@dataclass(frozen=True, slots=True)
class FieldError:
    """A field of the request that is, or can be, wrong, and why."""

    name: str
    reason: str


class Problem(Exception):
    """A refusal with its status; `more` becomes further members of the document."""

    def __init__(
        self,
        status: int,
        title: str,
        detail: str,
        *,
        fields: Sequence[FieldError] = (),
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(detail)
        self.status, self.title, self.detail = status, title, detail
        self.fields, self.headers, self.more = tuple(fields), headers, more


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
    """The problem document itself."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    if fields:
        body["fields"] = [{"name": field.name, "reason": field.reason} for field in fields]
    return JSONResponse(body, status, headers, media_type=_MEDIA_TYPE)


async def _problem(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)  # noqa: S101  registered for it alone
    return answer(
        error.status, error.title, error.detail, fields=error.fields, headers=error.headers, **error.more
    )


async def _taxonomy(_: Request, error: Exception) -> JSONResponse:
    status, title = next((status, title) for kind, status, title in _STATUS if isinstance(error, kind))
    retry_after_seconds = getattr(error, "retry_after", None)
    headers = {"Retry-After": str(max(1, round(retry_after_seconds)))} if retry_after_seconds else None
    return answer(status, title, str(error), headers=headers)


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    """Names each field and what is wrong with it. The values themselves are left out: they may be secrets."""
    assert isinstance(error, RequestValidationError)  # noqa: S101  registered for it alone
    # Pydantic puts "Value error, " before what a validator raises; such a sentence says all by itself.
    fields = [
        FieldError(_field_name(fault["loc"]), str(fault["msg"]).removeprefix("Value error, "))
        for fault in error.errors()
    ]
    detail = "; ".join(f"{field.name}: {field.reason}" for field in fields)
    return answer(422, "The request is not valid", detail, fields=fields)


async def _http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101  registered for it alone
    headers = dict(error.headers or {})
    return answer(error.status_code, HTTPStatus(error.status_code).phrase, str(error.detail), headers=headers)


async def _bug(request: Request, error: Exception) -> JSONResponse:
    log.error("request_failed", path=request.url.path, exc_info=error)
    return answer(500, "A fault of ours", "Something went wrong here; the log of this service says what.")


def _field_name(location: Sequence[Any]) -> str:
    """Returns `items.0.seal` for `("body", "items", 0, "seal")`, and `body` where all of it is wrong."""
    return ".".join(str(part) for part in location[1:]) or str(location[0])
