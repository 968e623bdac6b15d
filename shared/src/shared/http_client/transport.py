"""How bytes reach a provider: one pool for public addresses, one for origins allowed as they are."""

import ssl
from collections.abc import Collection
from functools import cache

import httpcore
import httpx

from shared.http_client.name_lookup import NameLookup
from shared.http_client.ssrf_guard import (
    Origin,
    PublicAddressBackend,
    Resolver,
    is_exempt,
    origin_of,
)


class GuardedTransport(httpx.AsyncBaseTransport):
    """Refuses an address when connecting to it, with AddressRefused; `network` and `tls` are for tests."""

    def __init__(
        self,
        allowed: Collection[Origin],
        *,
        resolver: Resolver | None = None,
        network: httpcore.AsyncNetworkBackend | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        network = network or httpcore.AnyIOBackend()
        tls = tls or _default_tls()
        self._allowed = frozenset(allowed)
        self._unguarded = _PooledTransport(tls, network)
        self._lookup = NameLookup()
        self._guarded = _PooledTransport(tls, PublicAddressBackend(resolver or self._lookup, network))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        origin = origin_of(str(request.url))
        # Two pools: a connection that was opened unguarded must never serve a guarded request.
        pool = self._unguarded if is_exempt(origin, self._allowed) else self._guarded
        response = await pool.handle_async_request(request)
        # No cookies: the client would keep every one that it is sent, and send them all.
        response.headers.pop("set-cookie", None)
        return response

    async def aclose(self) -> None:
        await self._unguarded.aclose()
        await self._guarded.aclose()
        await self._lookup.aclose()


@cache
def _default_tls() -> ssl.SSLContext:
    """Returns what all clients of this process trust; reading it takes as long as a dozen calls."""
    return httpx.create_ssl_context(trust_env=False)


class _PooledTransport(httpx.AsyncHTTPTransport):
    """A transport over a given network: httpx 0.28 takes none, so its connection pool is replaced."""

    def __init__(self, tls: ssl.SSLContext, network: httpcore.AsyncNetworkBackend) -> None:
        super().__init__(verify=tls, trust_env=False)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls, network_backend=network, keepalive_expiry=5.0, max_connections=100
        )
