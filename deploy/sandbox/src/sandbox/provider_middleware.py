"""Handles every call to a provider: latency, due failures, the provider's answer, the journal entry."""

# Every call to a provider is journaled exactly once, whatever becomes of it: answered, refused, failed by a
# switch, or cut (status 0).  The entry is made before the answer is sent, so whoever has an answer finds its
# call in the journal: `GET /subscriptions` → 200, then `GET /_sandbox/calls` shows that call.
#
# Latency comes before the failure switch, as on a real network; the measured time holds both.

import asyncio
import time

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.connectwise import api as connectwise
from sandbox.connectwise import errors as connectwise_errors
from sandbox.cuts import ConnectionCut
from sandbox.ingram import api as ingram
from sandbox.ingram import errors as ingram_errors
from sandbox.switches import CONNECTWISE, INGRAM, Failure
from sandbox.world import World

CUT = 0
"""The journal's status of a call whose connection was cut."""


class ProviderMiddleware:
    """ASGI middleware around the control API: every path outside the control API belongs to a provider."""

    def __init__(self, app: ASGIApp, world: World) -> None:
        self._app = app
        self._world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        provider = _provider_of(scope["path"]) if scope["type"] == "http" else None
        if provider is None:
            await self._app(scope, receive, send)
            return
        at, started = self._world.clock(), time.perf_counter()
        status = CUT
        try:
            response = await self._answer(provider, Request(scope, receive))
            status = response.status_code
        except ConnectionCut:
            await self._world.cutter.cut(scope, receive)
        finally:
            request = (scope["method"], scope["path"], scope["query_string"].decode("latin-1"))
            elapsed_ms = (time.perf_counter() - started) * 1000
            self._world.journal.record_call(
                at, provider=provider, request=request, status=status, ms=elapsed_ms
            )
        if status != CUT:
            await response(scope, receive, send)

    async def _answer(self, provider: str, request: Request) -> Response:
        switches = self._world.switches
        if switches.current.latency_ms:
            await asyncio.sleep(switches.current.latency_ms / 1000)
        if failure := switches.take_failure(provider):
            return _failure_response(provider, failure, request.scope["path"])
        if provider == INGRAM:
            return await self._world.ingram.answer(request)
        return await self._world.connectwise.answer(request)


def _provider_of(path: str) -> str | None:
    """The provider that a path belongs to: ConnectWise answers unknown paths, with "cannot route"."""
    top = path.split("/", 2)[1]
    if top in ("_sandbox", "health"):
        return None
    return INGRAM if f"/{top}" == ingram.PREFIX else CONNECTWISE


def _failure_response(provider: str, failure: Failure, path: str) -> Response:
    if provider == INGRAM:
        return ingram.respond(
            ingram_errors.forced_failure(failure), path.removeprefix(ingram.PREFIX + ingram.REGION)
        )
    return connectwise.respond(connectwise_errors.forced_failure(failure))
