"""The far side of an HTTP call: prepared answers, a budget that counts, a socket that misbehaves."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx

from shared.http_client.access_source import Access
from shared.http_client.client import Api
from shared.http_client.retry import CallPolicy
from shared.runtime.settings import OutboundSettings

Reply = httpx.Response | Exception
HASTY = CallPolicy(first_wait=0.001, floor=0.001, deadline=10)


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


class CountingBudget:
    """Lets everything pass and remembers it."""

    held_for = 0.0

    def __init__(self) -> None:
        self.spent = 0
        self.pauses: list[float] = []

    async def spend(self) -> None:
        self.spent += 1

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)


def an_api(handler: Callable[[httpx.Request], httpx.Response], **more: Any) -> Api:
    """An `Api` at https://api.example/base whose answers come from the handler."""
    settings = {"policy": HASTY, "outbound": OutboundSettings(), "at": "https://api.example/base", **more}
    return Api(transport=httpx.MockTransport(handler), **settings)


def a_real_api(origin: str, policy: CallPolicy = HASTY, **more: Any) -> Api:
    """An `Api` over real sockets whose one allowed origin is the given one."""
    return Api(origin, outbound=OutboundSettings(allowed_origins=(origin,)), policy=policy, **more)


class Doors:
    """A source of access that renews once for each of its further doors."""

    def __init__(self, *doors: Access) -> None:
        self._doors = list(doors)

    async def current(self) -> Access:
        return self._doors[0]

    async def renewed(self, refused: Access) -> Access | None:
        if self._doors[0] is refused and len(self._doors) == 1:
            return None
        self._doors.remove(refused)
        return self._doors[0]


def doors(count: int) -> Doors:
    return Doors(
        *(Access(f"https://api.example/{n}", {"Authorization": f"Bearer {n}"}) for n in range(count))
    )


@asynccontextmanager
async def raw_server(*replies: bytes, hold: bool = False) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A loopback socket that answers each connection with the next bytes, then hangs up, or holds."""
    prepared, heard = list(replies), list[bytes]()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(prepared.pop(0) if len(prepared) > 1 else prepared[0])
        await writer.drain()
        if hold:
            await reader.read()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", heard
