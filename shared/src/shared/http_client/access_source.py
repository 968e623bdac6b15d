"""Where a call's base address and proof of identity come from: fixed, or renewed when refused."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

_SHORTEST_SECRET = 8
"""In characters. Shorter words of a header (`Bearer`, `Basic`) prove nothing and need no hiding."""


@dataclass(frozen=True, slots=True)
class Access:
    """The base address of an API, and the headers that prove who we are; `repr` shows no header."""

    base_url: str
    headers: Mapping[str, str] = field(repr=False)
    hidden: tuple[str, ...] = field(default=(), repr=False)
    """More texts that must not be repeated when the far side quotes them."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every text that a message must not repeat: the longer words of all header values, and `hidden`."""
        words = " ".join(self.headers.values()).split()
        return (*(word for word in words if len(word) >= _SHORTEST_SECRET), *self.hidden)


class AccessSource(Protocol):
    """Gives the access with which a call is sent."""

    async def current(self) -> Access: ...

    async def renew(self, refused: Access) -> Access | None:
        """Returns another access than the refused one, or None when there is none to be had."""


class FixedAccess:
    """Access that never changes."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def current(self) -> Access:
        return self._access

    async def renew(self, refused: Access) -> None:  # noqa: ARG002 (the protocol's)
        return None
