"""Closing a connection without an answer, as a broken network would."""

from collections.abc import Collection
from typing import Any

from starlette.types import Receive, Scope


class ConnectionCut(ConnectionResetError):
    """The answer is never sent; a caller inside this process sees this error itself."""


class Cutter:
    """Knows the server's open connections; `serving` hands them over, inside a test there are none."""

    def __init__(self) -> None:
        self.connections: Collection[Any] = ()

    async def cut(self, scope: Scope, receive: Receive) -> None:
        """Abort the connection that the request came over; raises ConnectionCut if it came over none."""
        caller = [one for one in self.connections if one.client == tuple(scope["client"] or ())]
        if not caller:
            raise ConnectionCut
        caller[0].transport.abort()
        # Without waiting for the end uvicorn would answer 500 on the way out.
        while (await receive())["type"] != "http.disconnect":
            pass
