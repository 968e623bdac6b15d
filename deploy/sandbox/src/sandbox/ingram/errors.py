"""Builds the marketplace's two error bodies: the application's, and the gateway's in front of it."""

from http import HTTPStatus
from typing import Any

from sandbox.switches import Failure

GATEWAY_STATUSES = (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.TOO_MANY_REQUESTS)
"""A failure made by a switch comes from the gateway for these, from the application for the others."""


class IngramRefusal(Exception):
    """An answer other than success: HTTP status, JSON body and headers."""

    def __init__(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.body = body
        self.headers = headers or {}


def application_refusal(status: int, message: str) -> IngramRefusal:
    """Return a refusal by the application; `api.respond` adds path, time and correlation id."""
    return IngramRefusal(status, {"status": status, "error": HTTPStatus(status).phrase, "message": message})


def gateway_refusal(status: int, message: str) -> IngramRefusal:
    """Return a refusal by the gateway (Azure API Management's standard body)."""
    return IngramRefusal(status, {"statusCode": status, "message": message})


def forced_failure(due: Failure) -> IngramRefusal:
    """Return the refusal that a switch asks for, worded as the gateway or the application would."""
    if due.status not in GATEWAY_STATUSES:
        return _with_retry_after(application_refusal(due.status, "The request could not be completed."), due)
    texts = {
        HTTPStatus.FORBIDDEN: "Out of call volume quota. Quota will be replenished in 05:12:10.",
        HTTPStatus.NOT_FOUND: "Resource not found",
        HTTPStatus.TOO_MANY_REQUESTS: f"Rate limit is exceeded. Try again in {due.retry_after or 1} seconds.",
    }
    return _with_retry_after(gateway_refusal(due.status, texts[HTTPStatus(due.status)]), due)


def _with_retry_after(answer: IngramRefusal, due: Failure) -> IngramRefusal:
    if due.retry_after is not None:
        answer.headers["Retry-After"] = str(due.retry_after)
    return answer
