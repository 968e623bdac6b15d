"""What matcher publishes: what belongs to what."""

from enum import StrEnum
from typing import ClassVar

from pydantic import AwareDatetime

from shared.contracts.base import Event, State


class MappingKind(StrEnum):
    """What is mapped: a vendor account to a PSA account, or a vendor service to a PSA product."""

    ACCOUNT = "account"
    SERVICE = "service"


class MappingDecision(StrEnum):
    """Where a mapping stands; `revoked` means that nothing is decided any more."""

    APPROVED = "approved"
    REVOKED = "revoked"
    EXCLUDED = "excluded"


class MappingMethod(StrEnum):
    """How the decision came about."""

    EXACT = "exact"
    PROPOSAL = "proposal"
    MANUAL = "manual"
    IMPORT = "import"


class MappingDecided(State):
    """The decision on one vendor account or service; outlives reconnecting, being keyed by realm."""

    topic: ClassVar[str] = "matcher.mapping-decided.v1"
    meaning: ClassVar[str] = "The decision on one vendor account or service"
    readers: ClassVar[tuple[str, ...]] = ("billing",)
    key_fields: ClassVar[tuple[str, ...]] = ("vendor_provider", "vendor_realm", "kind", "vendor_id")

    kind: MappingKind
    vendor_provider: str
    vendor_realm: str
    vendor_integration_id: str
    vendor_id: str
    psa_provider: str | None = None
    psa_realm: str | None = None
    psa_integration_id: str | None = None
    psa_id: str | None = None
    decision: MappingDecision
    method: MappingMethod
    decided_by: str
    reason: str | None = None
    decided_at: AwareDatetime


class MappingFinished(Event):
    """A person finished mapping a vendor to a PSA; both become active and are synced."""

    topic: ClassVar[str] = "matcher.mapping-finished.v1"
    meaning: ClassVar[str] = "A person finished mapping; both integrations become active and sync"
    readers: ClassVar[tuple[str, ...]] = ("auth", "billing")
    key_fields: ClassVar[tuple[str, ...]] = ()

    vendor_integration_id: str
    psa_integration_id: str
    finish_id: str
    """Becomes the sync's id, so that finishing delivered twice starts one sync."""
    counts: dict[str, int]
    """Mapped and excluded, by kind."""
    finished_by: str
    finished_at: AwareDatetime
