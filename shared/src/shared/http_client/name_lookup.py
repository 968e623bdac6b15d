"""Looks hosts up with the machine's own name servers, which others' far sides cannot hold up."""

# Invariant: a look-up holds neither a thread nor another look-up. The system's call does: asyncio makes it on
# the few threads that all of a process shares, and a time-out does not free the thread, so that eight hosts
# of one tenant, whose name servers never answer, kept every other tenant's provider out of reach. What is no
# name is read at once, in every notation that the system knows, so that the address is judged:
#
#   api.example    asks the name servers   → 93.184.216.34
#   2130706433     asks nobody             → 127.0.0.1

import socket
from collections.abc import Sequence

import aiodns
from aiodns.error import DNSError

_ANSWER_TIMEOUT_SECONDS, _TRIES = 4, 2
"""Of one name server; both together come to less than the time in which a connection must be made."""


class NameLookup:
    """Turns hosts into numeric addresses; `name_servers` replaces the machine's own, as `host:port`."""

    def __init__(self, name_servers: Sequence[str] | None = None) -> None:
        self._name_servers = name_servers
        self._resolver: aiodns.DNSResolver | None = None

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """Returns the addresses of the host; raises OSError when there is none."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        except socket.gaierror:
            return await self._ask(host)
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))

    async def _ask(self, host: str) -> Sequence[str]:
        if self._resolver is None:  # it belongs to the loop in which it is made
            self._resolver = aiodns.DNSResolver(
                self._name_servers, timeout=_ANSWER_TIMEOUT_SECONDS, tries=_TRIES
            )
        try:
            found = await self._resolver.getaddrinfo(host, family=socket.AF_UNSPEC, type=socket.SOCK_STREAM)
        except DNSError as error:
            raise OSError(f"{host} cannot be looked up: {error.args[-1]}") from error
        return list(dict.fromkeys(node.addr[0].decode() for node in found.nodes))

    async def aclose(self) -> None:
        if self._resolver is not None:
            await self._resolver.close()
