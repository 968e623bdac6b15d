"""What is proposed for a vendor item, what a person refused, and what a computation of both starts from."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from matcher.catalogue.items import IntegrationInfo, Item
from shared.contracts.base import key_of
from shared.contracts.matcher import MappingKind, MappingsProposed, ProposalReason
from shared.errors import TransientError
from shared.mapping_counts import KindCounts


class PassOvertaken(TransientError):
    """A later pass has begun, which knows more."""


@dataclass(frozen=True, slots=True)
class RankedItem:
    """One PSA item that the engine finds likely."""

    psa_key: str
    """Of the item."""
    probability: float
    reasons: tuple[ProposalReason, ...] = ()


@dataclass(frozen=True, slots=True)
class DueRecomputation:
    """A tenant's proposals of one kind, of which something has changed since they were computed."""

    tenant_id: str
    kind: MappingKind
    oldest: datetime
    """The moment of the oldest news."""
    newest: datetime


@dataclass(frozen=True, slots=True)
class ProposalPass:
    """One computation of a tenant's proposals of one kind; a later pass has a larger number."""

    tenant_id: str
    kind: MappingKind
    number: int
    work_ids: Sequence[str]
    """Of the work items that the pass completes; it was read before anything that the pass computes with."""


@dataclass(frozen=True, slots=True)
class ProposalInputs:
    """What a pass computes with."""

    integrations: Mapping[str, IntegrationInfo]
    vendor_items: Sequence[Item]
    """The usable ones, decided ones too: a PSA item that is one of theirs is less likely another's."""
    psa_items: Sequence[Item]
    """The usable ones."""
    refused: Collection[str]
    """By `refusal_id`."""


@dataclass(frozen=True, slots=True)
class StoredProposals:
    """What is known of a row without reading all of it."""

    revision: int
    digest: str
    is_empty: bool


@dataclass(frozen=True, slots=True)
class StoredCounts:
    """What of one marketplace waits to be mapped, of one kind, as the last pass found it."""

    tenant_id: str
    kind: MappingKind
    integration_id: str
    counts: KindCounts


@dataclass(frozen=True, slots=True)
class RefusalStatus:
    """What a person last said of two items."""

    revision: int
    """0 of a refusal from before it was published."""
    stands: bool
    """False once it is taken back."""


def refusal_id(vendor_key: str, psa_key: str) -> str:
    """Returns the id of a refusal; `psa_key` is one of `psa_key_of`."""
    return f"{vendor_key}|{psa_key}"


def psa_key_of(psa: IntegrationInfo, psa_id: str) -> str:
    """Returns the key of a PSA item by provider and realm."""
    return key_of(psa.provider, psa.realm, psa_id)


def digest_of(proposed: MappingsProposed) -> str:
    """Returns what is equal exactly for states that differ in their revision alone."""
    return sha256(proposed.model_dump_json(exclude={"revision"}).encode()).hexdigest()


def next_proposal_revision(existing: int | None, at: datetime) -> int:
    """Returns a revision that is larger than any before, and at least the microseconds since the epoch."""
    return max(existing + 1 if existing else 1, int(at.timestamp() * 1_000_000))
