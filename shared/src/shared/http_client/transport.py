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

    Raises AddressRefused, and UnexpectedResponse for the long answer. `network` and `tls` are for tests.
    """

    def __init__(
        self,
        allowed: Collection[Origin],
        *,
        max_body_bytes: int,
        resolver: Resolver = system_resolver,
        network: httpcore.AsyncNetworkBackend | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        network = network or httpcore.AnyIOBackend()
        tls = tls or httpx.create_ssl_context(trust_env=False)
        self._allowed = frozenset(allowed)
        self._max_body_bytes = max_body_bytes
        self._unguarded = _PooledTransport(tls, network)
        self._guarded = _PooledTransport(tls, PublicAddressBackend(resolver, network))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        origin = origin_of(str(request.url))
        # Two pools: a connection that was opened unguarded must never serve a guarded request.
        pool = self._unguarded if is_exempt(origin, self._allowed) else self._guarded
        response = await pool.handle_async_request(request)
        stream = cast("httpx.AsyncByteStream", response.stream)
        response.stream = _LimitedStream(stream, self._max_body_bytes, origin.host)
        return response

    async def aclose(self) -> None:
        await self._unguarded.aclose()
        await self._guarded.aclose()


class _PooledTransport(httpx.AsyncHTTPTransport):
    """A transport over a given network: httpx 0.28 takes none, so its connection pool is replaced."""

    def __init__(self, tls: ssl.SSLContext, network: httpcore.AsyncNetworkBackend) -> None:
        super().__init__(verify=tls, trust_env=False)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls, network_backend=network, keepalive_expiry=5.0, max_connections=100
        )


class _LimitedStream(httpx.AsyncByteStream):
    def __init__(self, stream: httpx.AsyncByteStream, limit_bytes: int, host: str) -> None:
        self._stream = stream
        self._limit_bytes = limit_bytes
        self._host = host

    async def __aiter__(self) -> AsyncIterator[bytes]:
        length = 0
        async for part in self._stream:
            length += len(part)
            if length > self._limit_bytes:
                raise UnexpectedResponse(f"{self._host} answered with more than {self._limit_bytes} bytes")
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()
