"""Short-lived access to a provider, as handed to the sync services."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any


@dataclass(frozen=True, slots=True)
class ProviderSession:
    """What a provider gave in exchange for credentials, and for how long it is good."""

    base_url: str
    headers: Mapping[str, str] = field(repr=False)
    lasts: timedelta


@dataclass(frozen=True, slots=True)
class IntegrationAccessGrant:
    """Access to one integration; `issued_at` is how a service names it when the provider refuses it."""

    opening: ProviderSession
    issued_at: datetime
    generation: int

    @property
    def expires_at(self) -> datetime:
        return self.issued_at + self.opening.lasts

    def serves(self, generation: int, now: datetime, rejected_after: datetime | None) -> bool:
        """Whether it may be handed out (again): of today's credentials, alive, and not the refused one."""
        fresh = rejected_after is None or self.issued_at > rejected_after
        return self.generation == generation and now < self.expires_at and fresh

    def body(self) -> dict[str, Any]:
        """As `POST /internal/access` answers it."""
        return {
            "base_url": self.opening.base_url,
            "headers": dict(self.opening.headers),
            "issued_at": self.issued_at.isoformat(),
            "expires_at": self.expires_at.isoformat(),
            "generation": self.generation,
        }
