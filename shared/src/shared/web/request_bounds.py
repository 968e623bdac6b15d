"""Bounds what a request holds and how long its body takes, before it is parsed or its sender is known."""

# Invariant: behind this point a head has at most so many bytes and headers, and a body comes within its time,
# in its size and with its JSON no deeper than allowed. How large a body may be stands at its route, as
# FastAPI's `max_body_size`, and is small where nothing stands: FastAPI counts, this module answers.
#
#   POST /approvals  Content-Length: 100,000,000    413 at once, not a byte is read
#   POST /approvals  a byte a second                408 after five seconds: five bytes came, 5 KiB were due
#   GET /usage       Content-Length: 1              413: there is nothing that a body could say

import asyncio
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware.body_limit import MAX_BODY_SIZE_SCOPE_KEY
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.limits import Limit, record_hit
from shared.limits import http as limits
from shared.web.json_depth import JsonDepth
from shared.web.problems import allowed_methods, answer

_METHODS_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_LEAST_BYTES_PER_SECOND = 1024
_CLOSE = (b"connection", b"close")
_LINGER_SECONDS = 2.0
"""How long the rest of a refused body is read and thrown away: a connection that is closed on unread bytes
is reset, and with it the answer may be lost that says what was wrong."""
_BODY_LIMITS = {
    limit.most: limit
    for limit in (limits.REQUEST_BODY_BYTES, limits.BULK_REQUEST_BODY_BYTES, limits.IMPORT_BODY_BYTES)
}


class BoundedApplication(FastAPI):
    """An application whose requests are bounded before anything else sees them."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_body_size=limits.REQUEST_BODY_BYTES.most, **options)

    def build_middleware_stack(self) -> ASGIApp:
        # Not `add_middleware`: FastAPI's own count of the body, which refuses in plain words, surrounds it.
        return RequestBounds(super().build_middleware_stack())


class RequestBounds:
    """ASGI middleware, the outermost of all. Requests without a body pass it untouched."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = _head_refusal(scope)
        has_body = any(
            name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
            for name, value in scope["headers"]
        )
        if refusal is None and not has_body:
            await self._app(scope, receive, send)
            return
        body = _BoundedBody(scope, receive, send)
        if refusal is None and _takes_no_body(scope):
            record_hit(limits.REQUEST_BODY_BYTES)
            refusal = _refusal(413, f"{scope['method']} takes no body: leave it out.")
        if refusal is None:
            await self._app(scope, body.receive, body.send)
        else:
            await body.refuse(refusal)


def _takes_no_body(scope: Scope) -> bool:
    """Tells whether the path has the method, and the method no body; a path without it answers 405."""
    return scope["method"] not in _METHODS_WITH_BODY and scope["method"] in allowed_methods(scope)


class _BoundedBody:
    """The body of one request as it comes, and the answer that may end it early."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._began_seconds = asyncio.get_running_loop().time()
        self._received_bytes = 0
        self._whole = self._refused = False
        self._depth = JsonDepth(limits.REQUEST_JSON_DEPTH.most) if _is_json(scope["headers"]) else None

    async def receive(self) -> Message:
        """Returns the next part; raises an `HTTPException`, which FastAPI lets pass, if late or deep."""
        if self._whole:
            return await self._receive()
        lag_seconds, most_seconds = limits.REQUEST_BODY_LAG_SECONDS.most, limits.REQUEST_BODY_SECONDS.most
        due_seconds = min(most_seconds, lag_seconds + self._received_bytes / _LEAST_BYTES_PER_SECOND)
        try:
            async with asyncio.timeout_at(self._began_seconds + due_seconds):
                message = await self._receive()
        except TimeoutError:
            late = due_seconds >= most_seconds
            record_hit(limits.REQUEST_BODY_SECONDS if late else limits.REQUEST_BODY_LAG_SECONDS)
            detail = (
                f"Of the body {self._received_bytes:,} bytes came in {due_seconds:.0f} s: send it faster."
            )
            raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, detail) from None
        part = message.get("body", b"")
        self._received_bytes += len(part)
        self._whole = message["type"] == "http.disconnect" or not message.get("more_body", False)
        if self._depth and self._depth.exceeded_by(part):
            record_hit(limits.REQUEST_JSON_DEPTH)
            detail = f"The JSON is nested deeper than {limits.REQUEST_JSON_DEPTH}, or is not in UTF-8."
            raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
        return message

    async def send(self, message: Message) -> None:
        """Passes the answer on. A 413, which FastAPI gives in plain words, becomes a problem document."""
        if self._refused:
            return
        if message["type"] == "http.response.start" and not self._whole:
            if message["status"] == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
                await self.refuse(self._too_large())
                return
            others = [header for header in message["headers"] if header != _CLOSE]
            message = {**message, "headers": [*others, _CLOSE]}
        await self._send(message)

    async def refuse(self, refusal: Response) -> None:
        """Answers, and reads on for a moment so that the answer arrives; the connection is closed then."""
        self._refused = True
        headers = [*refusal.raw_headers, _CLOSE]
        await self._send({"type": "http.response.start", "status": refusal.status_code, "headers": headers})
        await self._send({"type": "http.response.body", "body": refusal.body, "more_body": True})
        try:
            async with asyncio.timeout(_LINGER_SECONDS):
                while not self._whole:
                    message = await self._receive()
                    self._whole = not message.get("more_body", False)
        except TimeoutError:
            pass
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    def _too_large(self) -> Response:
        most = self._scope.get(MAX_BODY_SIZE_SCOPE_KEY, limits.REQUEST_BODY_BYTES.most)
        record_hit(_BODY_LIMITS.get(most, limits.REQUEST_BODY_BYTES))
        return _refusal(413, f"The body is larger than {most:,} bytes: send less at once.")


def _head_refusal(scope: Scope) -> Response | None:
    target_bytes = len(scope.get("raw_path") or b"") + len(scope["query_string"])
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    if target_bytes > limits.REQUEST_TARGET_BYTES.most:
        return _beyond(limits.REQUEST_TARGET_BYTES, 414, "shorten the path and the query")
    if len(headers) > limits.REQUEST_HEADERS.most:
        return _beyond(limits.REQUEST_HEADERS, 431, "send fewer headers")
    head_bytes = target_bytes + sum(len(name) + len(value) for name, value in headers)
    if head_bytes > limits.REQUEST_HEAD_BYTES.most:
        return _beyond(limits.REQUEST_HEAD_BYTES, 431, "send fewer headers")
    return None


def _beyond(limit: Limit, status: int, advice: str) -> Response:
    record_hit(limit)
    return _refusal(status, f"This request has more than {limit} in {limit.bounds}: {advice}.")


def _refusal(status: int, detail: str) -> Response:
    return answer(status, HTTPStatus(status).phrase, detail)


def _is_json(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return any(name == b"content-type" and b"json" in value.lower() for name, value in headers)
