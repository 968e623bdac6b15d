"""The HTTP server: uvicorn, with a bound on connections and on the time that the head of a request takes."""

# uvicorn bounds neither: a client that sends a byte now and then holds its connection for ever, and so does
# one that sends nothing at all. Its protocol class is a public option, so this one stands in front of it and
# tells `ConnectionTable` what each connection waits for. Sizes of heads and bodies, and the time of bodies,
# are bounded in `shared.web.request_bounds`, which any server can run.

import sys
from http import HTTPStatus
from typing import Any

import h11
import uvicorn
from fastapi import FastAPI
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from shared.limits import http as limits
from shared.limits import record_hit
from shared.runtime.connections import ConnectionPhase, ConnectionTable
from shared.runtime.settings import HttpSettings
from shared.web.problems import answer

_GRACEFUL_SHUTDOWN_SECONDS = 5
_RETRY_AFTER_SECONDS = 1


def run(app: FastAPI, settings: HttpSettings) -> None:
    """Serves the application until the process is told to stop."""
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        timeout_graceful_shutdown=_GRACEFUL_SHUTDOWN_SECONDS,
        **bounded_options(settings),
    )


def bounded_options(settings: HttpSettings) -> dict[str, Any]:
    """Returns uvicorn's options by which a server takes no more than it can bear; each has its own bounds."""
    protocol = type("ServedProtocol", (BoundedProtocol,), {"table": ConnectionTable(settings)})
    return {
        "http": protocol,
        "ws": "none",
        "h11_max_incomplete_event_size": limits.REQUEST_HEAD_BYTES.most,
        "timeout_keep_alive": settings.idle_seconds,
        "access_log": False,
        "log_config": None,
    }


class BoundedProtocol(H11Protocol):
    """One connection. It tells the table what it waits for, and refuses with problem documents."""

    table: ConnectionTable

    @property
    def address(self) -> str:
        return self.client[0] if self.client else ""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        # So that we are told of a single byte that the client does not take, and of its taking the last one.
        transport.set_write_buffer_limits(high=0)
        if not self.table.open(self):
            self.app = _HealthOnly(self.app)
        if self.table.full:
            self._refuse(_too_many_connections())

    def connection_lost(self, exc: Exception | None) -> None:
        self.table.close(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._note_phase(between_requests=ConnectionPhase.HEAD)

    def pause_writing(self) -> None:
        super().pause_writing()
        self.table.enter(self, ConnectionPhase.UNREAD)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._note_phase(between_requests=ConnectionPhase.IDLE)

    def on_response_complete(self) -> None:
        # A request that was sent ahead would put the connection to work again, which never gives way.
        if self.table.crowded and self.conn.trailing_data[0]:
            record_hit(limits.CONNECTIONS)
            self.transport.close()
        super().on_response_complete()
        self._note_phase(between_requests=ConnectionPhase.IDLE)

    def timeout_keep_alive_handler(self) -> None:
        """Closes the connection: no further request has come on it in time."""
        if not self.transport.is_closing():
            record_hit(limits.IDLE_CONNECTION_SECONDS)
        super().timeout_keep_alive_handler()

    def send_400_response(self, msg: str) -> None:
        """Refuses what h11 cannot read; called while h11's error is handled."""
        status = HTTPStatus(getattr(sys.exception(), "error_status_hint", HTTPStatus.BAD_REQUEST))
        detail = f"{msg} Send a request as RFC 9112 defines it."
        if status is HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE:
            record_hit(limits.REQUEST_HEAD_BYTES)
            detail = f"The head has more than {limits.REQUEST_HEAD_BYTES}: send fewer headers."
        self._refuse(answer(status, status.phrase, detail))

    def give_way(self) -> None:
        self._end(_too_many_connections())

    def end_late(self) -> None:
        detail = (
            f"The head of the request was not complete within {self.table.head_seconds} s: send it at once."
        )
        self._end(answer(408, "Request Timeout", detail))

    def _note_phase(self, *, between_requests: ConnectionPhase) -> None:
        if self.transport.is_closing() or self.flow.write_paused:
            return
        if self.cycle is None or self.cycle.response_complete:
            self.table.enter(self, between_requests)
        elif self.conn.their_state is h11.SEND_BODY:
            self.table.enter(self, ConnectionPhase.BODY)
        else:
            self.table.enter(self, ConnectionPhase.AT_WORK)

    def _end(self, refusal: Response) -> None:
        # A client that has sent nothing expects no answer, and would take one for that to its next request.
        if self.conn.their_state is h11.IDLE and not self.conn.trailing_data[0]:
            self.transport.close()
        elif not self.flow.write_paused:
            self._refuse(refusal)
        # Closing waits for ever for a client that does not take its answer.
        if self.transport.get_write_buffer_size():
            self.transport.abort()

    def _refuse(self, refusal: Response) -> None:
        """Closes the connection, with this answer unless another has begun."""
        if self.transport.is_closing():
            return
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            headers = [*refusal.raw_headers, (b"connection", b"close")]
            head = h11.Response(status_code=refusal.status_code, headers=headers, reason=b"")
            for event in (head, h11.Data(data=bytes(refusal.body)), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.close()


class _HealthOnly:
    """Answers for health, and 503 for everything else."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        health = scope["path"].startswith("/health/")
        await (self._app if health else _too_many_connections(closing=True))(scope, receive, send)


def _too_many_connections(*, closing: bool = False) -> Response:
    headers = {"Retry-After": str(_RETRY_AFTER_SECONDS)} | ({"Connection": "close"} if closing else {})
    detail = "Too many connections are open to this service: try again after `Retry-After` seconds."
    return answer(503, "Service Unavailable", detail, headers=headers)
