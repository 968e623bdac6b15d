"""How bytes reach a provider: one pool for public addresses, one for origins allowed as they are."""

import ssl
from collections.abc import AsyncIterator, Collection
from typing import cast

import httpcore
import httpx

from shared.errors import UnexpectedResponse
from shared.http_client.ssrf_guard import (
    Origin,
    PublicAddressBackend,
    Resolver,
    is_exempt,
    origin_of,
    system_resolver,
)


class GuardedTransport(httpx.AsyncBaseTransport):
    """Refuses an address when connecting to it, and stops reading an answer that is too long.

    `network` and `tls` are for tests.
    """

    def __init__(
        self,
        allowed: Collection[Origin],
        *,
        max_body: int,
        resolver: Resolver = system_resolver,
        network: httpcore.AsyncNetworkBackend | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        network = network or httpcore.AnyIOBackend()
        tls = tls or httpx.create_ssl_context(trust_env=False)
        self._allowed = frozenset(allowed)
        self._max_body = max_body
        self._open = _Pooled(tls, network)
        self._guarded = _Pooled(tls, PublicAddressBackend(resolver, network))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        origin = origin_of(str(request.url))
        pooled = self._open if is_exempt(origin, self._allowed) else self._guarded
        response = await pooled.handle_async_request(request)
        response.stream = _Capped(cast("httpx.AsyncByteStream", response.stream), self._max_body, origin.host)
        return response

    async def aclose(self) -> None:
        await self._open.aclose()
        await self._guarded.aclose()


class _Pooled(httpx.AsyncHTTPTransport):
    """httpx 0.28 offers no way to name the network, so the pool is put in its place."""

    def __init__(self, tls: ssl.SSLContext, network: httpcore.AsyncNetworkBackend) -> None:
        super().__init__(verify=tls, trust_env=False)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls, network_backend=network, keepalive_expiry=5.0, max_connections=100
        )


class _Capped(httpx.AsyncByteStream):
    def __init__(self, stream: httpx.AsyncByteStream, limit: int, host: str) -> None:
        self._stream = stream
        self._limit = limit
        self._host = host

    async def __aiter__(self) -> AsyncIterator[bytes]:
        length = 0
        async for part in self._stream:
            length += len(part)
            if length > self._limit:
                raise UnexpectedResponse(f"{self._host} answered with more than {self._limit} bytes")
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()
