"""The far side of an HTTP call: prepared answers, a rate limit that counts, a socket that misbehaves."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx

from shared.http_client.access_source import Access
from shared.http_client.client import Api
from shared.http_client.retry import CallPolicy
from shared.runtime.settings import OutboundSettings

Reply = httpx.Response | Exception
MILLISECOND = timedelta(milliseconds=1)
HASTY = CallPolicy(fault_pause=MILLISECOND, throttle_pause=MILLISECOND, total_timeout=timedelta(seconds=10))


class Provider:
    """Gives each request the next of the prepared replies, the last one for ever."""

    def __init__(self, *replies: Reply) -> None:
        self._replies = list(replies)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        if isinstance(reply, Exception):
            raise reply
        return httpx.Response(reply.status_code, headers=reply.headers, content=reply.content)


class CountingRateLimit:
    """Lets every call pass, and counts calls and pauses."""

    def __init__(self) -> None:
        self.acquired = 0
        self.pauses: list[float] = []
        self.refusal: Exception | None = None
        """What is raised in place of letting a call pass."""

    async def acquire(self) -> None:
        if self.refusal:
            raise self.refusal
        self.acquired += 1

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)


def an_api(handler: Callable[[httpx.Request], httpx.Response], **more: Any) -> Api:
    """An `Api` at https://api.example/base whose answers come from the handler."""
    settings = {"policy": HASTY, "outbound": OutboundSettings(), "source": "https://api.example/base", **more}
    return Api(transport=httpx.MockTransport(handler), **settings)


def a_real_api(origin: str, policy: CallPolicy = HASTY, **more: Any) -> Api:
    """An `Api` over real sockets whose one allowed origin is the given one."""
    return Api(origin, outbound=OutboundSettings(allowed_origins=(origin,)), policy=policy, **more)


class RenewableAccess:
    """A source of access that hands out the next of its accesses when one is refused."""

    def __init__(self, *accesses: Access) -> None:
        self._accesses = list(accesses)

    async def current(self) -> Access:
        return self._accesses[0]

    async def renew(self, refused: Access) -> Access | None:
        if self._accesses[0] is refused and len(self._accesses) == 1:
            return None
        self._accesses.remove(refused)
        return self._accesses[0]


def renewable_access(count: int) -> RenewableAccess:
    """Accesses to https://api.example/0, /1 and so on."""
    return RenewableAccess(
        *(Access(f"https://api.example/{n}", {"Authorization": f"Bearer {n}"}) for n in range(count))
    )


@asynccontextmanager
async def raw_server(*replies: bytes, hold: bool = False) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A loopback socket that answers each connection with the next bytes, then hangs up, or holds it open.

    Yields the origin to call, and the list of request heads received.
    """
    prepared, requests = list(replies), list[bytes]()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(prepared.pop(0) if len(prepared) > 1 else prepared[0])
        await writer.drain()
        if hold:
            await reader.read()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", requests
