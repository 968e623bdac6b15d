"""Which addresses we call: https to public ones, checked when connecting, where DNS can no longer change."""

# Invariant: no request reaches an address inside our own network, whatever a tenant types and DNS answers,
# unless the operator allowed that exact origin. A name that was checked can be looked up again to something
# else (DNS rebinding), so the look-up is ours, and the very address that was checked is connected to:
#
#   api.example → 93.184.216.34             connects to 93.184.216.34; TLS and `Host` name api.example
#   api.example → 93.184.216.34, 10.0.0.5   AddressRefused

import asyncio
from collections.abc import Collection, Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

import httpcore

from shared.errors import AddressRefused

# Special ranges that Python 3.11's `is_global` calls public, among them 6to4, Teredo and their relays.
_NOT_PUBLIC_V4 = tuple(ip_network(text) for text in ("192.0.0.0/24", "192.88.99.0/24"))
_NOT_PUBLIC_V6 = tuple(ip_network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))
# Only this is allotted as global unicast (RFC 4291); NAT64, site-local and IPv4-compatible lie outside it.
_GLOBAL_UNICAST_V6 = ip_network("2000::/3")
_DEFAULT_PORTS = {"https": 443, "http": 80}


class Resolver(Protocol):
    """Turns a host name into numeric addresses (`NameLookup`); raises OSError when there is none."""

    async def __call__(self, host: str, port: int) -> Sequence[str]: ...


class Origin(NamedTuple):
    """Scheme, host and port, which together say whom we talk to."""

    scheme: str
    host: str
    port: int


def origin_of(url: str) -> Origin:
    """Returns the origin of an address.

    Raises AddressRefused, repeating no secret, when the address cannot be read, names no host
    or carries a user name.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        # Not chained: the parser quotes what it could not read, which may be a password.
        raise AddressRefused("the address cannot be read: its host or port is malformed") from None
    if not parts.hostname:
        raise AddressRefused("the address names no host: it starts with https:// and a host name")
    if parts.username is not None or parts.password is not None:
        raise AddressRefused(
            f"the address of {parts.hostname} carries a user name or password: leave them out"
        )
    return Origin(parts.scheme, parts.hostname, port or _DEFAULT_PORTS.get(parts.scheme, 0))


def is_exempt(origin: Origin, allowed: Collection[Origin]) -> bool:
    """Tells whether the operator allowed this origin; any other must be https, else raises AddressRefused."""
    if origin in allowed:
        return True
    if origin.scheme != "https":
        raise AddressRefused(
            f"the address of {origin.host} is {origin.scheme or 'no'}://: https:// is needed"
        )
    return False


def refusal(address: str) -> str | None:
    """Returns why a numeric address is not called, or None when it is public."""
    try:
        number = ip_address(address)
    except ValueError:
        return "is no address"
    if isinstance(number, IPv6Address) and number.ipv4_mapped:
        number = number.ipv4_mapped  # ::ffff:10.0.0.5 is 10.0.0.5
    if isinstance(number, IPv4Address):
        special = number.is_multicast or any(number in net for net in _NOT_PUBLIC_V4)
        public = number.is_global and not special
    else:
        public = _is_public_v6(number)
    return None if public else "is not public"


def _is_public_v6(number: IPv6Address) -> bool:
    return (
        number.scope_id is None  # a scope names an interface of this machine
        and number.is_global
        and number in _GLOBAL_UNICAST_V6
        and not any(number in net for net in _NOT_PUBLIC_V6)
    )


class PublicAddressBackend(httpcore.AsyncNetworkBackend):
    """Connects to the very address that it checked; the caller's host name stays in TLS and in `Host`."""

    def __init__(self, resolver: Resolver, network: httpcore.AsyncNetworkBackend) -> None:
        self._resolver = resolver
        self._network = network

    async def connect_tcp(  # noqa: PLR0917 (httpcore's own signature)
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (the same)
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in await self._public_addresses(host, port, timeout):
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)

    async def _public_addresses(self, host: str, port: int, timeout_seconds: float | None) -> Sequence[str]:
        """Looks a host up; one bad address refuses it: a mixed answer is how rebinding starts."""
        try:
            async with asyncio.timeout(timeout_seconds):
                addresses = await self._resolver(host, port)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(
                f"looking up {host} took longer than {timeout_seconds:g} s"
            ) from error
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"{host} cannot be looked up") from error
        for address in addresses:
            if reason := refusal(address):
                raise AddressRefused(
                    f"{host} leads to {address}, which {reason}: only public addresses are called"
                )
        return addresses
