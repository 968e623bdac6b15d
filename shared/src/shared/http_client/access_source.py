"""Where a call's base address and proof come from: fixed, or renewed when refused."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

_SECRET_LENGTH = 8


@dataclass(frozen=True, slots=True)
class Access:
    """Where to call and with which headers; what proves who we are is never shown."""

    base_url: str
    headers: Mapping[str, str] = field(repr=False)
    hidden: tuple[str, ...] = field(default=(), repr=False)
    """More that must not be repeated when the far side quotes it."""

    @property
    def secrets(self) -> tuple[str, ...]:
        words = " ".join(self.headers.values()).split()
        return (*(word for word in words if len(word) >= _SECRET_LENGTH), *self.hidden)


class AccessSource(Protocol):
    """Gives the access that a call goes out with."""

    async def current(self) -> Access: ...

    async def renewed(self, refused: Access) -> Access | None:
        """Another access than the refused one, or None when there is none to be had."""


class FixedAccess:
    """Access that never changes."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def current(self) -> Access:
        return self._access

    async def renewed(self, refused: Access) -> None:  # noqa: ARG002 (the protocol's)
        return None
