"""Provider sessions that are kept in memory, to be handed out until they expire."""

from dataclasses import dataclass
from datetime import datetime

from auth.providers.models import ProviderSession


@dataclass(frozen=True, slots=True)
class CachedSession:
    """A session of one integration; a service names it by `issued_at` when the provider refused it."""

    session: ProviderSession
    issued_at: datetime
    generation: int

    @property
    def expires_at(self) -> datetime:
        return self.issued_at + self.session.lifetime

    def is_usable(self, generation: int, now: datetime, rejected_after: datetime | None) -> bool:
        """Whether it may be handed out: it is of these credentials, not expired and not a refused one."""
        was_refused = rejected_after is not None and self.issued_at <= rejected_after
        return self.generation == generation and now < self.expires_at and not was_refused
