"""Builds ConnectWise's error bodies (Developer Guide, Errors); throttling has a body of another shape."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from sandbox.switches import Failure

CODES = {401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 409: "Conflict"}


class ConnectWiseRefusal(Exception):
    """An answer other than success: HTTP status, JSON body and headers."""

    def __init__(self, status: int, body: Mapping[str, Any], headers: dict[str, str] | None = None) -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.body = body
        self.headers = headers or {}


def invalid(resource: str, field: str, message: str, *, code: str = "InvalidField") -> ConnectWiseRefusal:
    """Return a 400 about one field of a query or a body."""
    inner = {"code": code, "message": message, "resource": resource, "field": field}
    return ConnectWiseRefusal(
        400, {"code": "InvalidObject", "message": f"{resource} object is invalid", "errors": [inner]}
    )


def not_found(resource: str, record_id: str) -> ConnectWiseRefusal:
    return ConnectWiseRefusal(
        404, {"code": "NotFound", "message": f"{resource} {record_id} not found", "errors": None}
    )


def not_allowed(method: str) -> ConnectWiseRefusal:
    return ConnectWiseRefusal(
        405, {"code": "MethodNotAllowed", "message": f"{method} is not allowed here", "errors": None}
    )


def forced_failure(due: Failure) -> ConnectWiseRefusal:
    """Return the refusal that a switch asks for."""
    pause = {} if due.retry_after is None else {"Retry-After": str(due.retry_after)}
    if due.status == HTTPStatus.TOO_MANY_REQUESTS:
        text = f"Too many requests. Please try again in {due.retry_after or 30} seconds."
        return ConnectWiseRefusal(due.status, {"error": "ConnectWiseAPI", "message": text}, pause)
    code = CODES.get(due.status, "InternalServerError")
    return ConnectWiseRefusal(
        due.status, {"code": code, "message": HTTPStatus(due.status).phrase, "errors": None}, pause
    )
