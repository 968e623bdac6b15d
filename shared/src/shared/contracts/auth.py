"""What auth publishes: to which providers a tenant is connected. Never a secret."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from shared.contracts.base import ContractModel, Event, Side, State
from shared.contracts.fields import Code, Id, Integer, Moment, Name, Sentence


class IntegrationStatus(StrEnum):
    """Where an integration stands (architecture §1)."""

    PENDING = "pending"
    """Connected; mapping is not finished."""
    ACTIVE = "active"
    ERROR = "error"
    """The provider refused the credentials."""
    DISABLED = "disabled"
    """Switched off by a person."""
    DISCONNECTED = "disconnected"


class IntegrationSettings(ContractModel):
    """What a person may set for one integration."""

    hold_billable: bool = True
    """Whether subscriptions on hold count as bought."""
    freshness: Annotated[timedelta, Field(gt=timedelta(), le=timedelta(days=3650))] = timedelta(days=7)
    """How old a number may be before it is `stale`."""


class IntegrationConnected(Event):
    """Credentials were proven live at the provider, and sealed; the first run may start."""

    topic: ClassVar[str] = "auth.integration-connected.v1"
    meaning: ClassVar[str] = "Credentials were proven and sealed; the first run may start"
    readers: ClassVar[tuple[str, ...]] = ("vendor-sync", "psa-sync")
    key_fields: ClassVar[tuple[str, ...]] = ("integration_id",)

    integration_id: Id
    side: Side
    provider: Code
    """The connector's name, as `ingram-micro`."""
    realm: Code
    """What is connected at the provider: a marketplace and reseller, or a PSA company (architecture §4)."""
    name: Name
    """For people."""
    generation: Integer
    """Reconnecting raises it; about the microseconds since the epoch, so that a restore repeats none."""
    connected_at: Moment


class IntegrationChanged(State):
    """States an integration's present status and settings."""

    topic: ClassVar[str] = "auth.integration-changed.v1"
    meaning: ClassVar[str] = "The present status, reason and settings of an integration"
    readers: ClassVar[tuple[str, ...]] = ("vendor-sync", "psa-sync", "matcher", "billing", "auth")
    key_fields: ClassVar[tuple[str, ...]] = ("integration_id",)

    integration_id: Id
    side: Side
    provider: Code
    realm: Code
    name: Name
    generation: Integer
    status: IntegrationStatus
    reason: Sentence | None = None
    """Why it has this status, in a sentence for people."""
    settings: IntegrationSettings = IntegrationSettings()
