"""Closes a connection without an answer, as a broken network would."""

from collections.abc import Collection
from typing import Any

from starlette.types import Receive, Scope


class ConnectionCut(ConnectionResetError):
    """The answer is never sent; a caller inside the sandbox's own process sees this error itself."""


class ConnectionCutter:
    """Aborts one of the server's open connections; `server.serve` hands them over, tests leave them empty."""

    def __init__(self) -> None:
        self.connections: Collection[Any] = ()

    async def cut(self, scope: Scope, receive: Receive) -> None:
        """Abort the connection that the request came over; raises `ConnectionCut` if there is none."""
        # A client's address and port identify its connection while the connection is open.
        client = tuple(scope["client"] or ())
        caller = [connection for connection in self.connections if connection.client == client]
        if not caller:
            raise ConnectionCut
        caller[0].transport.abort()
        # Returning before uvicorn has noticed the end would make uvicorn answer 500 on the way out.
        while (await receive())["type"] != "http.disconnect":
            pass
