"""The marketplace's two error bodies: the application's own and the gateway's in front of it."""

from http import HTTPStatus
from typing import Any

from sandbox.switches import Failure

GATEWAY_STATUSES = (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.TOO_MANY_REQUESTS)
"""A failure made by a switch comes from the gateway for these, from the application for the others."""


class IngramRefusal(Exception):
    """An answer other than success."""

    def __init__(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.body = body
        self.headers = headers or {}


def refused(status: int, message: str) -> IngramRefusal:
    """The application says no; its answer gets path, time and correlation id when it is sent."""
    return IngramRefusal(status, {"status": status, "error": HTTPStatus(status).phrase, "message": message})


def gateway(status: int, message: str) -> IngramRefusal:
    """The gateway says no (Azure API Management's standard body)."""
    return IngramRefusal(status, {"statusCode": status, "message": message})


def failure(due: Failure) -> IngramRefusal:
    """The refusal that a switch asks for, in the words of whoever would send it."""
    if due.status not in GATEWAY_STATUSES:
        return _with_pause(refused(due.status, "The request could not be completed."), due)
    texts = {
        HTTPStatus.FORBIDDEN: "Out of call volume quota. Quota will be replenished in 05:12:10.",
        HTTPStatus.NOT_FOUND: "Resource not found",
        HTTPStatus.TOO_MANY_REQUESTS: f"Rate limit is exceeded. Try again in {due.retry_after or 1} seconds.",
    }
    return _with_pause(gateway(due.status, texts[HTTPStatus(due.status)]), due)


def _with_pause(answer: IngramRefusal, due: Failure) -> IngramRefusal:
    if due.retry_after is not None:
        answer.headers["Retry-After"] = str(due.retry_after)
    return answer
