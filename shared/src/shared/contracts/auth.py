"""What auth publishes: which providers a tenant is connected to. Never a secret."""

from datetime import timedelta
from enum import StrEnum
from typing import ClassVar

from pydantic import AwareDatetime

from shared.contracts.base import ContractModel, Event, Side, State


class IntegrationStatus(StrEnum):
    """Where an integration stands (architecture §1)."""

    PENDING = "pending"
    ACTIVE = "active"
    ERROR = "error"
    DISABLED = "disabled"
    DISCONNECTED = "disconnected"


class IntegrationSettings(ContractModel):
    """What a person may set for one integration."""

    hold_billable: bool = True
    freshness: timedelta = timedelta(days=7)
    """How old a number may grow before it is `stale`."""


class IntegrationConnected(Event):
    """Credentials were proven live and sealed; the first run may start."""

    topic: ClassVar[str] = "auth.integration-connected.v1"
    meaning: ClassVar[str] = "Credentials were proven and sealed; the first run may start"
    readers: ClassVar[tuple[str, ...]] = ("vendor-sync", "psa-sync")
    key_fields: ClassVar[tuple[str, ...]] = ("integration_id",)

    integration_id: str
    side: Side
    provider: str
    realm: str
    name: str
    generation: int
    connected_at: AwareDatetime


class IntegrationChanged(State):
    """An integration's present status and settings."""

    topic: ClassVar[str] = "auth.integration-changed.v1"
    meaning: ClassVar[str] = "The present status, reason and settings of an integration"
    readers: ClassVar[tuple[str, ...]] = ("vendor-sync", "psa-sync", "matcher", "billing")
    key_fields: ClassVar[tuple[str, ...]] = ("integration_id",)

    integration_id: str
    side: Side
    provider: str
    realm: str
    name: str
    generation: int
    status: IntegrationStatus
    reason: str | None = None
    settings: IntegrationSettings = IntegrationSettings()
