"""What every call to a provider passes: latency, due failures, the provider itself, the journal."""

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


class Gate:
    """ASGI middleware around the control API: every path outside it belongs to a provider."""

    def __init__(self, app: ASGIApp, world: World) -> None:
        self._app = app
        self._world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        provider = _provider_of(scope["path"]) if scope["type"] == "http" else None
        if provider is None:
            await self._app(scope, receive, send)
            return
        at, begun = self._world.clock(), time.perf_counter()
        status = CUT
        try:
            response = await self._answer(provider, Request(scope, receive))
            status = response.status_code
        except ConnectionCut:
            await self._world.cutter.cut(scope, receive)
        finally:
            request = (scope["method"], scope["path"], scope["query_string"].decode("latin-1"))
            took = (time.perf_counter() - begun) * 1000
            self._world.journal.called(at, provider=provider, request=request, status=status, ms=took)
        if status != CUT:
            await response(scope, receive, send)

    async def _answer(self, provider: str, request: Request) -> Response:
        switches = self._world.switches
        if switches.now.latency_ms:
            await asyncio.sleep(switches.now.latency_ms / 1000)
        if failure := switches.failing(provider):
            return _failed(provider, failure, request.scope["path"])
        if provider == INGRAM:
            return await self._world.ingram.answer(request)
        return await self._world.connectwise.answer(request)


def _provider_of(path: str) -> str | None:
    """The provider that a path belongs to; what is nobody's is ConnectWise's, which cannot route it."""
    top = path.split("/", 2)[1]
    if top in ("_sandbox", "health"):
        return None
    return INGRAM if f"/{top}" == ingram.PREFIX else CONNECTWISE


def _failed(provider: str, failure: Failure, path: str) -> Response:
    if provider == INGRAM:
        return ingram.respond(
            ingram_errors.failure(failure), path.removeprefix(ingram.PREFIX + ingram.REGION)
        )
    return connectwise.respond(connectwise_errors.failure(failure))
