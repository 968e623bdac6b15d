"""Clients that leave a few bytes of their answers untaken, counted by the sockets that are still open."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
import uvicorn
from starlette.responses import Response
from starlette.types import ASGIApp

from shared.runtime.connections import HEALTH_RESERVE
from shared.runtime.http_server import bounded_options
from shared.runtime.settings import HttpSettings

pytestmark = pytest.mark.server

SMALLEST_BUFFER_BYTES = 1
"""The kernel makes of it the least that it allows, some kilobytes."""
LISTENING = "0A"
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
LAST_REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


def open_sockets(port: int) -> int:
    """Counts the sockets of clients that a process holds on a port; the kernel's own have no inode."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]]
    return sum(
        int(local.rpartition(":")[2], 16) == port and state != LISTENING and inode != "0"
        for _, local, _, state, *_, inode in (row[:10] for row in rows)
    )


@asynccontextmanager
async def serve(app: ASGIApp, settings: HttpSettings) -> AsyncIterator[int]:
    """Serves with the least of buffers in the kernel, so that what is not read stays in the process."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALLEST_BUFFER_BYTES)
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, timeout_graceful_shutdown=1, **bounded_options(settings))
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            async with asyncio.timeout(30):
                while not server.started:
                    await asyncio.sleep(0.01)
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            await serving


@asynccontextmanager
async def client_that_does_not_read(port: int, request: bytes) -> AsyncIterator[socket.socket]:
    loop = asyncio.get_running_loop()
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALLEST_BUFFER_BYTES)
        client.setblocking(False)
        await loop.sock_connect(client, ("127.0.0.1", port))
        await loop.sock_sendall(client, request)
        yield client


async def no_more_are_open_than(most: int, port: int) -> None:
    async with asyncio.timeout(30):
        while open_sockets(port) > most:
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("request_bytes", "answer_bytes"),
    [(REQUEST * 200, 100), (REQUEST, 9_000), (LAST_REQUEST, 60_000), (REQUEST, 100_000)],
    ids=["pipelined", "below the mark of a transport", "closed by us", "above the mark"],
)
async def test_clients_that_leave_bytes_untaken_hold_no_more_sockets_than_there_may_be(
    request_bytes: bytes, answer_bytes: int
) -> None:
    settings = HttpSettings(connections=5, unread_seconds=2, idle_seconds=1)
    async with serve(Response(b"x" * answer_bytes), settings) as port, AsyncExitStack() as stack:
        for _ in range(60):
            await stack.enter_async_context(client_that_does_not_read(port, request_bytes))

        await no_more_are_open_than(5 + HEALTH_RESERVE, port)
        await no_more_are_open_than(0, port)


async def test_a_client_that_ends_its_side_and_does_not_read_is_cut_too() -> None:
    async with (
        serve(Response(b"x" * 20_000), HttpSettings(unread_seconds=1)) as port,
        client_that_does_not_read(port, REQUEST) as client,
    ):
        client.shutdown(socket.SHUT_WR)

        await no_more_are_open_than(0, port)


async def test_a_client_that_takes_its_answer_late_keeps_its_connection() -> None:
    loop = asyncio.get_running_loop()
    async with (
        serve(Response(b"x" * 20_000 + b"end"), HttpSettings()) as port,
        client_that_does_not_read(port, REQUEST) as client,
    ):
        for _ in range(2):
            taken = b""
            async with asyncio.timeout(30):
                while not taken.endswith(b"end"):
                    taken += await loop.sock_recv(client, 1_000)
            await loop.sock_sendall(client, REQUEST)

        assert open_sockets(port) == 1
