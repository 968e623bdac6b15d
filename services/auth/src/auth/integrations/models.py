"""An integration and the ways its status moves (architecture §1)."""

from datetime import UTC, datetime
from typing import Any, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict

from auth.credentials.connections import Connection
from shared.contracts.auth import (
    IntegrationChanged,
    IntegrationConnected,
    IntegrationSettings,
    IntegrationStatus,
)
from shared.contracts.base import Side, integration_id_of, utc

_PRIVATE = {"tenant_id", "revision", "mapped"}


class Integration(BaseModel):
    """One connection of a tenant to one provider realm; holds nothing secret."""

    model_config = ConfigDict(frozen=True)

    tenant_id: str
    integration_id: str
    side: Side
    provider: str
    realm: str
    name: str
    status: IntegrationStatus
    reason: str | None = None
    generation: int
    connected_at: AwareDatetime
    settings: IntegrationSettings = IntegrationSettings()
    mapped: bool = False
    """A person has finished its mapping once; mappings outlive connections, so this does too."""
    revision: int

    @classmethod
    def connected(cls, tenant_id: str, connection: Connection, *, before: Self | None, now: datetime) -> Self:
        """Freshly proven credentials: a new integration, or the next generation of a known one."""
        return cls(
            tenant_id=tenant_id,
            integration_id=integration_id_of(tenant_id, connection.provider, connection.realm),
            side=connection.side,
            provider=connection.provider,
            realm=connection.realm,
            name=connection.name or (before.name if before else connection.label),
            status=IntegrationStatus.ACTIVE if before and before.mapped else IntegrationStatus.PENDING,
            generation=before.generation + 1 if before else 1,
            connected_at=utc(now),
            settings=before.settings if before else IntegrationSettings(),
            mapped=before.mapped if before else False,
            revision=_later(before.revision if before else 0, now),
        )

    def activated(self, now: datetime) -> Self:
        """Mapping was finished: it is active, now or once it is connected again."""
        if self.mapped:
            return self
        status = IntegrationStatus.ACTIVE if self.status is IntegrationStatus.PENDING else self.status
        return self._moved(status, self.reason, now).model_copy(update={"mapped": True})

    def refused(self, generation: int, reason: str, now: datetime) -> Self:
        """The provider refused the credentials; those of an earlier generation are replaced already."""
        if generation != self.generation or self.status not in {
            IntegrationStatus.PENDING,
            IntegrationStatus.ACTIVE,
        }:
            return self
        return self._moved(IntegrationStatus.ERROR, reason, now)

    def disconnected(self, now: datetime) -> Self:
        return (
            self
            if self.status is IntegrationStatus.DISCONNECTED
            else self._moved(IntegrationStatus.DISCONNECTED, None, now)
        )

    def view(self) -> dict[str, Any]:
        """As people see it."""
        return self.model_dump(mode="json", exclude=_PRIVATE)

    def as_connected(self) -> IntegrationConnected:
        return IntegrationConnected(**self.model_dump(include=set(IntegrationConnected.model_fields)))

    def as_changed(self) -> IntegrationChanged:
        return IntegrationChanged(**self.model_dump(include=set(IntegrationChanged.model_fields)))

    def _moved(self, status: IntegrationStatus, reason: str | None, now: datetime) -> Self:
        revision = _later(self.revision, now)
        return self.model_copy(update={"status": status, "reason": reason, "revision": revision})


def _later(revision: int, now: datetime) -> int:
    """Grows even when the store was lost or the clock was set back: consumers only move forward."""
    return max(revision + 1, int(now.astimezone(UTC).timestamp() * 1_000_000))
