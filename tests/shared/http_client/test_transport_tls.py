import asyncio
import ssl
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

import httpcore
import pytest
import trustme
from http_fakes import HASTY

from shared.errors import TransientError
from shared.http_client.client import Api
from shared.http_client.transport import GuardedTransport
from shared.runtime.settings import OutboundSettings

PUBLIC = "93.184.215.14"
ANSWER = b'HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{"ok": true}'


class Detour(httpcore.AsyncNetworkBackend):
    """Leads every numeric address to a port of this machine, and remembers which was asked for."""

    def __init__(self, port: int) -> None:
        self.asked: list[str] = []
        self._port, self._real = port, httpcore.AnyIOBackend()

    async def connect_tcp(  # noqa: PLR0917 (httpcore's own signature)
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (the same)
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        self.asked.append(f"{host}:{port}")
        return await self._real.connect_tcp("127.0.0.1", self._port, timeout, local_address, socket_options)


async def a_public_address(host: str, port: int) -> Sequence[str]:  # noqa: ARG001 (the protocol's)
    return [PUBLIC]


@asynccontextmanager
async def tls_server(ca: trustme.CA, name: str, asked: list[str | bytes | None]) -> AsyncIterator[int]:
    """Shows a certificate for `name`, and remembers the name asked for and the request's head."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert(name).configure_cert(context)
    context.sni_callback = lambda _, wanted, __: asked.append(wanted)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(ANSWER)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


def an_api_to(network: Detour, ca: trustme.CA) -> Api:
    tls = ssl.create_default_context()
    ca.configure_trust(tls)
    transport = GuardedTransport((), resolver=a_public_address, network=network, tls=tls)
    return Api("https://api.example/base", outbound=OutboundSettings(), policy=HASTY, transport=transport)


async def test_the_checked_address_is_called_under_the_hosts_own_name() -> None:
    ca, asked = trustme.CA(), list[str | bytes | None]()

    async with tls_server(ca, "api.example", asked) as port:
        network = Detour(port)
        async with an_api_to(network, ca) as api:
            assert await api.get("/x") == {"ok": True}

    assert network.asked == [f"{PUBLIC}:443"]
    assert asked[0] == "api.example"
    assert b"\r\nHost: api.example\r\n" in (asked[1] or b"")


async def test_a_server_that_cannot_prove_its_name_hears_nothing() -> None:
    ca, asked = trustme.CA(), list[str | bytes | None]()

    async with tls_server(ca, "other.example", asked) as port, an_api_to(Detour(port), ca) as api:
        with pytest.raises(TransientError, match="could not connect"):
            await api.get("/x")

    assert set(asked) == {"api.example"}
